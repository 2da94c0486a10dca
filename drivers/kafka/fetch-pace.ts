/**
 * Between two fetches that bring little, at the least: each costs a broker and this process what dozens of records do. A
 * record waits half of it on average.
 */
const FETCH_EVERY_MS = 5
/** The same at the most. */
const FETCH_EVERY_MAX_MS = 24

/**
 * How long to wait before the next fetch, ms, by how long what the last one brought was worked on.
 *
 * As long as that took, so that a process that falls behind handles more together instead of fetching ever fewer at once;
 * within 5 to 24 ms from fetch to fetch, and not at all where the work alone took longer.
 */
export function restAfter(workedMs: number): number {
  const every = Math.min(Math.max(FETCH_EVERY_MS, 2 * workedMs), FETCH_EVERY_MAX_MS)
  return Math.max(every - workedMs, 0)
}
