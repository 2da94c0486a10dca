import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Instant } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { usageOf } from '../usage/feature-reading.ts'

/**
 * Something that was counted, or a change of facts, of which no look of the judge is known to have seen it.
 *
 * Use of about the time of the use before it is one with it.
 */
export interface UnjudgedChange {
  readonly of: 'use' | 'facts'
  /** Append time of the use; since when a crossing by these facts counts. */
  readonly at: Instant
  /** What the counters that it altered held before it, by field; null for the first, where that is not known. */
  readonly before: Readonly<Record<string, string>> | null
}

/** A feature, and what was counted, with the changes that were not judged. */
export interface Reached {
  readonly entitlement: Entitlement
  readonly reading: CounterReading
  readonly catalogue: Catalogue
}

/**
 * Since when use that is reached now was reached: the append time of the call that crossed (L1), or when the facts came
 * to count. Null where none of the changes says it.
 *
 * Goes back from now, undoing one after another, to the use without which it was not reached: so history that restates
 * old times dates nothing but what it reached itself.
 */
export function reachedAt(
  { entitlement, reading, catalogue }: Reached,
  isReached: (used: Amount) => boolean,
): Instant | null {
  const changes = reading.unjudged?.changes ?? []
  let { fields, sizes } = reading
  let facts: Instant | null = null
  for (const { of, at, before } of changes.toReversed()) {
    if (of === 'facts') {
      facts = Math.max(facts ?? at, at)
      continue
    }
    if (before === null) return Math.max(facts ?? at, at)
    fields = { ...fields, ...before }
    sizes = { ...sizes, ...sizesOf(before) }
    const past = { ...reading, fields, sizes }
    const { used } = usageOf({ entitlement, subject: null }, past, catalogue)
    if (!isReached(used)) return Math.max(facts ?? at, at)
  }
  return facts
}

function sizesOf(before: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(Object.entries(before).map(([field, held]) => [field, Number(held)]))
}
