import type { ResultRow, Results } from './results.ts'
import { FLAT_GOAL, isFlat } from './statistics.ts'

/** A rate may fall to this share of the baseline's, a time or a size rise to that multiple of it. */
const RATE_MIN = 0.85
const COST_MAX = 1.3

/** What became of a line. `elsewhere`: a figure without a limit of the same run, from another machine. */
export type Comparison = 'same' | 'better' | 'worse' | 'missing' | 'new' | 'elsewhere'

/** A line of two runs. */
export interface Compared {
  readonly path: string
  readonly before: string
  readonly now: string
  /**
   * How many times the baseline's: of the ratio to the limit of the same run where there is one, else of the figure; of what should stay
   * as it is, of its distance from 1.
   */
  readonly change: number | null
  readonly by: 'ratio' | 'figure' | 'flat'
  readonly comparison: Comparison
}

/**
 * Compares a run with the baseline, line by line, by the ratio to the limit of the same run where there is one; of what
 * should stay as it is while workspaces get more, whether it still does.
 *
 * A line of a benchmark that ran must be there again; benchmarks that did not run are left out.
 */
export function compareResults(baseline: Results, run: Results): readonly Compared[] {
  const ran = new Set(run.rows.map(({ bench }) => bench))
  const isHere = baseline.machine === run.machine
  const known = baseline.rows.filter(({ bench }) => ran.has(bench))
  const compared = known.map((before): Compared => {
    const now = run.rows.find(({ path }) => path === before.path)
    return now === undefined ? missing(before) : compareRows({ before, now, isHere })
  })
  const added = run.rows.filter(({ path }) => known.every((before) => before.path !== path))
  return [...compared, ...added.map(asNew)]
}

/** Whether nothing got worse by more than is allowed, and nothing is missing. */
export function isAcceptable(compared: readonly Compared[]): boolean {
  return compared.every(({ comparison }) => comparison !== 'worse' && comparison !== 'missing')
}

interface Pair {
  readonly before: ResultRow
  readonly now: ResultRow
  /** Both were measured on one kind of machine. */
  readonly isHere: boolean
}

function compareRows({ before, now, isHere }: Pair): Compared {
  if (now.goal?.text === FLAT_GOAL && before.ratio !== null && now.ratio !== null)
    return compareFlat({ before, now }, [before.ratio, now.ratio])
  const isByRatio = before.ratio !== null && now.ratio !== null
  const [old, fresh] = isByRatio ? [before.ratio, now.ratio] : [numberOf(before), numberOf(now)]
  const change = Number(fresh) / Number(old)
  const texts = { path: now.path, before: textOf(before), now: textOf(now) }
  const isJudged = isByRatio || isHere || isSize(now)
  const comparison = isJudged ? judge(change, isRate(now)) : 'elsewhere'
  return { ...texts, change, by: isByRatio ? 'ratio' : 'figure', comparison }
}

/** Of what should stay as it is neither more nor less is better: what is flat is fine, and what no longer is got worse. */
function compareFlat({ before, now }: Omit<Pair, 'isHere'>, ratios: readonly [number, number]): Compared {
  const [wasFlat, isFlatNow] = ratios.map(isFlat)
  const [old = Number.NaN, fresh = Number.NaN] = ratios.map((ratio) => Math.max(ratio, 1 / ratio))
  const change = fresh / old
  const texts = { path: now.path, before: textOf(before), now: textOf(now) }
  const left: Comparison = wasFlat === true ? 'worse' : judge(change, false)
  const reached: Comparison = wasFlat === true ? 'same' : 'better'
  return { ...texts, change, by: 'flat', comparison: isFlatNow === true ? reached : left }
}

/** A figure that cannot be read, or is not finite, counts as worse: it must not pass unseen. */
function judge(change: number, moreIsBetter: boolean): Comparison {
  if (!Number.isFinite(change)) return 'worse'
  if (moreIsBetter ? change < RATE_MIN : change > COST_MAX) return 'worse'
  return (moreIsBetter ? change > 1 / RATE_MIN : change < 1 / COST_MAX) ? 'better' : 'same'
}

function missing(before: ResultRow): Compared {
  const { path } = before
  return { path, before: textOf(before), now: '–', change: null, by: 'figure', comparison: 'missing' }
}

function asNew(now: ResultRow): Compared {
  const { path } = now
  return { path, before: '–', now: textOf(now), change: null, by: 'figure', comparison: 'new' }
}

function numberOf({ figure }: ResultRow): number {
  return Number.parseFloat(figure.replaceAll(',', ''))
}

function isRate({ figure }: ResultRow): boolean {
  return /^[\d.,]+ ?\S*( [a-z]+)?\/s/.test(figure)
}

/** Bytes do not depend on the machine. */
function isSize({ figure }: ResultRow): boolean {
  return /^[\d.,]+ bytes/.test(figure)
}

function textOf({ figure, ratio }: ResultRow): string {
  return ratio === null ? figure : `${figure} (${ratio.toFixed(2)})`
}
