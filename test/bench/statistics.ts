/** Rounds that a median is of, at least; they take turns with those of the limit. */
export const ROUNDS = 5

/** How far a cost may lie from what it was where there were fewer workspaces: to either side, since one that fell was not measured alike. */
const FLAT = { min: 0.9, max: 1.1 } as const

/** The goal of whatever is to stay as it is while workspaces get more. */
export const FLAT_GOAL = 'within 10 %'

/** Whether a cost stays as it is: 0.9 to 1.1 of what it was. */
export function isFlat(ratio: number): boolean {
  return ratio >= FLAT.min && ratio <= FLAT.max
}

/** The middle of some figures. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The figure that a share of all figures does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN
}

/** How a figure grows; drawn by curves.ts. */
export interface Curve {
  /** The picture it belongs to. */
  readonly picture: string
  readonly name: string
  /** Pairs of what grows, and the figure. */
  readonly points: readonly (readonly [number, number])[]
}

/** The middle of what pairs of one round come to: a busy neighbour then meets both. */
export function medianRatio(ours: readonly number[], limits: readonly number[]): number {
  return median(ours.map((value, round) => value / (limits[round] ?? Number.NaN)))
}

/** A line of the table: what was measured, against what limit of the same run. */
export interface Row {
  readonly path: string
  /** A number with its unit first: a rate has a `/s`, less is better of everything else. */
  readonly figure: string
  readonly limit: string
  readonly ratio: number | null
  readonly rounds: number
  /** Processor time of each process for one operation of ours, µs; where it was measured. */
  readonly cpu?: string
  /** What it should reach, where that is stated. */
  readonly goal?: { readonly text: string; readonly isMet: boolean }
  /** Where the figure was taken at several sizes. */
  readonly curve?: Curve
}
