import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ASSUMED, needsOf } from './cost-model.ts'
import { drawCurves } from './curves.ts'
import type { ResultRow, Results } from './results.ts'
import type { Curve } from './statistics.ts'

/** The text around the tables. */
export const TEMPLATE = join(import.meta.dirname, 'performance.template')

/** The files under docs/ that are written from results, by path. */
export type PerformanceFiles = Readonly<Record<string, string>>

/** What each picture shows. */
const pictures: Readonly<Record<string, { readonly title: string; readonly y: string }>> = {
  'workspaces-same': { title: 'The same thousand workspaces used, of ever more', y: 'µs of cpu' },
  'workspaces-any': { title: 'Any of ever more workspaces used', y: 'µs of cpu' },
  bytes: { title: 'Redis memory of a workspace at rest', y: 'bytes' },
}

/**
 * Writes docs/performance.md and its pictures from results: the text stands in test/bench/performance.template. Throws where the cost
 * model lacks a figure.
 */
export function performanceFiles(results: Results): PerformanceFiles {
  const template = readFileSync(TEMPLATE, 'utf8')
  const drawn = Object.entries(pictures).flatMap(([name, about]): [string, string][] => {
    const curves = curvesOf(results, name)
    if (curves.length === 0) return []
    return [[`docs/curves/${name}.svg`, drawCurves({ ...about, x: 'workspaces', curves })]]
  })
  const page = template
    .replaceAll(/\{\{bench (\w+)\}\}\n/g, (_, bench: string) => tableOf(results, bench))
    .replaceAll(/\{\{curves ([\w-]+)\}\}\n/g, (_, name: string) => pictureOf(results, name))
    .replace('{{needs}}\n', () => needsTable(results))
    .replaceAll(/\{\{assumed (\w+)\}\}/g, (_, name: string) => Object(ASSUMED)[name].toLocaleString('en'))
    .replace('{{machine}}', results.machine)
  return { 'docs/performance.md': page, ...Object.fromEntries(drawn) }
}

function curvesOf({ rows }: Results, picture: string): readonly Curve[] {
  return rows.flatMap(({ curve }) => (curve?.picture === picture ? [curve] : []))
}

function pictureOf(results: Results, name: string): string {
  const curves = curvesOf(results, name)
  const title = pictures[name]?.title
  if (title === undefined) throw new Error(`no picture is named ${name}`)
  return curves.length === 0 ? '_Not measured yet._\n' : `![${title}](curves/${name}.svg)\n`
}

function tableOf({ rows }: Results, bench: string): string {
  const own = rows.filter((row) => row.bench === bench)
  if (own.length === 0) return `_Not measured yet._\n`
  const head = [
    'path',
    'figure',
    'limit in the same run',
    'ratio',
    'goal',
    'times measured',
    'µs of cpu each',
  ]
  return markdown(head, own.map(cellsOf))
}

function cellsOf({ path, figure, limit, ratio, goal, rounds, cpu = '' }: ResultRow): readonly string[] {
  const verdict = goal === undefined ? '' : `${goal.text}: ${goal.isMet ? 'met' : '**missed**'}`
  return [path, figure, limit, ratio?.toFixed(2) ?? '', verdict, String(rounds), cpu]
}

function needsTable(results: Results): string {
  const lines = needsOf(results).map(({ what, need, how }) => [what, need, how])
  return markdown(['what', 'needed', 'computed from'], lines)
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}
