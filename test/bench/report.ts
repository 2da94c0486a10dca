import Table from 'cli-table3'
import type { Compared } from './compare.ts'
import type { Results } from './results.ts'

/** Columns of a terminal that the tables fit in. */
export const COLUMNS = 120

/** The table of a run: what was measured, against what, and whether it is what it should be. */
export function tableOf({ rows, machine }: Results): string {
  const figures = newTable(['path', 'figure', 'limit in the same run', 'ratio', 'goal', 'verdict'], {
    widths: [37, 20, 25, 7, 15, 9],
  })
  for (const { path, figure, limit, ratio, goal } of rows)
    figures.push([path, figure, limit, ratio?.toFixed(2) ?? '', goal?.text ?? '', verdictOf(goal)])
  const times = newTable(['path', 'rounds', 'cpu µs each'], { widths: [37, 8, 71] })
  for (const { path, rounds, cpu } of rows) if (cpu !== undefined) times.push([path, rounds, cpu])
  const parts = [figures.toString(), ...(times.length === 0 ? [] : [times.toString()])]
  return `${parts.join('\n')}\nmedians; ${machine}\n`
}

/** The table of what a run changed against the baseline. */
export function comparisonOf(compared: readonly Compared[]): string {
  const table = newTable(['path', 'baseline', 'now', 'change', 'by', ''], { widths: [40, 26, 26, 8, 8, 5] })
  const marks = { same: '', better: '+', worse: '!!', missing: '!!', new: 'new', elsewhere: '?' } as const
  for (const { path, before, now, change, by, comparison } of compared)
    table.push([path, before, now, change === null ? '' : `×${change.toFixed(2)}`, by, marks[comparison]])
  const legend = '!! rate below 0.85, time or size above 1.3 of the baseline’s, flat no more, or missing'
  return `${table}\n${legend}; + better by as much\n? another machine, not judged\n`
}

function verdictOf(goal: { readonly isMet: boolean } | undefined): string {
  if (goal === undefined) return ''
  return goal.isMet ? 'met' : 'missed'
}

function newTable(head: string[], { widths }: { readonly widths: number[] }) {
  return new Table({
    head,
    colWidths: widths,
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  })
}
