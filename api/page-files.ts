import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A file of the ops page, as it is sent. */
export interface PageFile {
  readonly path: string
  readonly type: string
  /** Strong for the plain body; the packed one has its own. */
  readonly etag: string
  readonly body: Buffer
  /** Packed when somebody first asks for it, and kept. */
  readonly packed: () => { readonly etag: string; readonly body: Buffer }
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** The chart library, from its package. */
const vendored = {
  '/page/vendor/uplot.js': 'uplot/dist/uPlot.esm.js',
  '/page/vendor/uplot.css': 'uplot/dist/uPlot.min.css',
} as const

/**
 * Every file of the ops page with its path: read once, when the process starts.
 *
 * A file that is not there fails the start. Files of any other kind beside them are not served.
 */
export function readPageFiles(): readonly PageFile[] {
  const folder = join(import.meta.dirname, 'page')
  const own = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => types[extname(name)] !== undefined)
    .map((name) => pageFile(name === 'page.html' ? '/' : `/page/${name}`, join(folder, name)))
  const { resolve } = createRequire(import.meta.url)
  const foreign = Object.entries(vendored).map(([path, name]) => pageFile(path, resolve(name)))
  return [...own, ...foreign]
}

function pageFile(path: string, file: string): PageFile {
  const body = readFileSync(file)
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22)
  let packed: Buffer | null = null
  return {
    path,
    type: types[extname(file)] ?? 'application/octet-stream',
    etag: `"${hash}"`,
    body,
    packed: () => {
      packed ??= gzipSync(body, { level: 9 })
      return { etag: `"${hash}-gzip"`, body: packed }
    },
  }
}
