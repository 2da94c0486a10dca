/** With so many records waiting, about a tenth of a second of counting, judging stands back for it. */
const BACKLOG_MAX = 10_000
/** For how many times as long as it worked, and how long at most. */
const REST = 9
const REST_MAX_MS = 1_000

/** What is stood back for. */
interface Busyness {
  /** Records that wait to be counted. */
  readonly backlog: number
  readonly workedMs: number
  /** How many times as long as it worked it rests in any case: 0 for what is urgent. */
  readonly restTimes: number
}

/**
 * Rests after work, long while many records wait to be counted: answers rest on counters, notices can come later.
 *
 * How long it rested, ms.
 */
export async function standBack({ backlog, workedMs, restTimes }: Busyness): Promise<number> {
  const times = backlog > BACKLOG_MAX ? Math.max(REST, restTimes) : restTimes
  const restMs = Math.min(times * workedMs, REST_MAX_MS)
  if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
  return restMs
}
