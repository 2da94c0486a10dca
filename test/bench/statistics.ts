/** The middle of some figures. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The figure that a share of all figures does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN
}

/** A line of the table: what was measured, against what limit of the same run. */
export interface Row {
  readonly path: string
  readonly figure: string
  readonly limit: string
  readonly ratio: number | null
  readonly rounds: number
  /** Processor time of each process for one operation of ours, µs; where it was measured. */
  readonly cpu?: string
  /** What it should reach, where that is stated. */
  readonly goal?: { readonly text: string; readonly isMet: boolean }
}
