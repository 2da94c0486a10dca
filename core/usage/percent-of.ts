import type { Amount } from '../amount.ts'

/** Whole percent of a limit that is used, rounded down; of a limit of 0 any use is all of it, and none is no share. */
export function percentOf(used: Amount, limit: Amount): number | null {
  if (limit === 0) return used > 0 ? 100 : null
  return Math.floor((100 * used) / limit)
}
