/** What a process took at one moment of a run. */
export interface Sample {
  readonly minute: number
  readonly megabytes: number
  readonly files: number
}

/** Share of a run in which checks are asked without a pause, so that the heap takes its full size. */
export const WARM_UP = 0.25
const SLOPE_MAX = 1
const FILES_MAX = 8

/** How a process grew after its warm-up, and what of it is more than is promised (G27). */
export interface Growth {
  readonly first: Sample
  readonly last: Sample
  /** MB a minute, by least squares. */
  readonly slope: number
  readonly faults: readonly string[]
}

/** Judges the samples of a run of so many minutes. Throws where it was too short to be sampled. */
export function judgeGrowth(
  name: string,
  { samples, minutes }: { readonly samples: readonly Sample[]; readonly minutes: number },
): Growth {
  const own = samples.filter(({ minute }) => minute > WARM_UP * minutes)
  const [first, last] = [own[0], own.at(-1)]
  // A line through one sample has no slope, which is no more than anything.
  if (first === undefined || last === undefined || first === last) throw new Error('too short to be sampled')
  const slope = slopeOf(own)
  const files = last.files - first.files
  const grows = `memory of ${name} grows by ${slope.toFixed(2)} MB a minute, more than ${SLOPE_MAX}`
  const opens = `${name} has ${files} open files more, and ${FILES_MAX} are allowed`
  const faults = [...(slope > SLOPE_MAX ? [grows] : []), ...(files > FILES_MAX ? [opens] : [])]
  return { first, last, slope, faults }
}

function slopeOf(own: readonly Sample[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(own.map(({ minute }) => minute)), mean(own.map(({ megabytes }) => megabytes))]
  const over = own.reduce((sum, { minute, megabytes }) => sum + (minute - x) * (megabytes - y), 0)
  return over / own.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0)
}
