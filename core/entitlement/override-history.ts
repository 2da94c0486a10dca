import type { Instant } from '../instant.ts'
import type { Override } from './facts.ts'

/** A change of one override: set, or taken back (null). */
export interface OverrideChange {
  readonly feature: string
  readonly override: Override | null
  readonly at: Instant
}

/** A change with its place in the history, 1 for the first, and whether it is what counts now. */
export interface PlacedOverride extends OverrideChange {
  readonly number: number
  readonly isInForce: boolean
}

/** Changes newest first: of each feature the newest one is in force, unless it took back or has ended. */
export function overrideHistory(changes: readonly OverrideChange[], now: Instant): readonly PlacedOverride[] {
  const decided = new Set<string>()
  return changes
    .map((change, index) => ({ ...change, number: index + 1 }))
    .toReversed()
    .map((change): PlacedOverride => {
      const { feature, override } = change
      const isNewest = !decided.has(feature)
      decided.add(feature)
      const runs = override !== null && (override.until === null || now < override.until)
      return { ...change, isInForce: isNewest && runs }
    })
}
