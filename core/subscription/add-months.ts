import type { Instant } from '../instant.ts'

/** The same time of day some months later; a day past the month's end clamps to its last day. */
export function addMonths(instant: Instant, months: number): Instant {
  const date = new Date(instant)
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1)
  const lastDay = new Date(first)
  lastDay.setUTCMonth(lastDay.getUTCMonth() + 1, 0)
  const day = Math.min(date.getUTCDate(), lastDay.getUTCDate())
  const timeOfDay = instant - Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate())
  return first + (day - 1) * 86_400_000 + timeOfDay
}
