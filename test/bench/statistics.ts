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
