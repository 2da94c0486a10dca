const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** How much later than `retry-after` a call may come, as a share of it, so that callers do not come back together. */
const SPREAD = 0.25

interface Failed {
  /** Attempts so far, from 1. */
  readonly attempts: number
  /** What the service asked for; null when it did not. */
  readonly retryAfterMs: number | null
}

/**
 * How long to wait before the next attempt, ms: anything up to a bound that doubles, and never less than `retry-after`.
 *
 * A `retry-after` of 0, or a date that has passed by our clock, says nothing: callers that came back at once would keep
 * a gateway busy that is busy already.
 *
 * `chance` is in [0, 1).
 */
export function pauseAfter({ attempts, retryAfterMs }: Failed, chance: number): number {
  if (retryAfterMs !== null && retryAfterMs > 0) return retryAfterMs * (1 + SPREAD * chance)
  return chance * Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS)
}

/** Reads a `retry-after` header, seconds or a date, as ms from now; null when there is none that can be read. */
export function readRetryAfter(header: string | null, now: number): number | null {
  if (header === null || header.trim() === '') return null
  const seconds = Number(header)
  const untilMs = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1_000
  return Number.isNaN(untilMs) ? null : Math.max(untilMs, 0)
}
