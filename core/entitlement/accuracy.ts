import type { Instant } from '../instant.ts'
import type { Accuracy } from './decision.ts'

/** Accuracy of figures that were read, not guessed. */
export type KnownAccuracy = Accuracy & { readonly asOf: Instant; readonly lagMs: number }

/** An answer counts as exact when everything appended more than this ago is in it. */
export const EXACT_LAG_MS = 1_000

/** How far figures can be trusted that hold everything appended up to `asOf`, unless something is missing for good. */
export function accuracyAt({
  now,
  asOf,
  isWhole,
}: {
  readonly now: Instant
  readonly asOf: Instant
  readonly isWhole: boolean
}): KnownAccuracy {
  const lagMs = Math.max(now - asOf, 0)
  return { asOf, lagMs, exact: isWhole && lagMs <= EXACT_LAG_MS, degraded: false }
}
