/** With so many records waiting, about a tenth of a second of counting, judging stands back for it. */
const BACKLOG_MAX = 10_000
/** For how many times as long as it worked, and how long at most. */
const REST = 9
const REST_MAX_MS = 1_000

/**
 * Rests after work while many records wait to be counted: answers rest on counters, notices can come later.
 *
 * True when it rested.
 */
export async function standBack(backlog: number, workedMs: number): Promise<boolean> {
  if (backlog <= BACKLOG_MAX) return false
  await new Promise((resolve) => setTimeout(resolve, Math.min(REST * workedMs, REST_MAX_MS)))
  return true
}
