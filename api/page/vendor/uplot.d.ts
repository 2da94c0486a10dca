// The chart library is served from its package (page-files.ts).
export { default } from 'uplot'
