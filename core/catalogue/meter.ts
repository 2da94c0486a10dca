import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'

/** How the events of a meter become its counter. */
export const aggregations = ['level', 'sum', 'distinct'] as const
export type Aggregation = (typeof aggregations)[number]

/**
 * Which record counts for a meter from an instant on, how much, and by which resource id.
 *
 * Effective-dated and never edited, so that a replay years later counts as it did: an event is measured by
 * the newest definition with `from` ≤ its `occurredAt`.
 */
export interface MeterDefinition {
  readonly from: Instant
  /** Record name without namespace, for example `LeadEvent`. */
  readonly record: string
  readonly aggregation: Aggregation
  /** Only events whose fields hold one of these values count. */
  readonly when?: Readonly<Record<string, readonly string[]>>
  /** Field whose value picks the sign (level) or join/leave (distinct). */
  readonly field?: string
  /** level: value of `field` → +1 or −1; a value that is missing here does not count. */
  readonly sign?: Readonly<Record<string, 1 | -1>>
  /** Field that carries the quantity; `quantity` by default where the record has it, else 1. */
  readonly quantity?: string
  /** sum: units for each value of `function` when the quantity field is null. */
  readonly weights?: Readonly<Record<string, number>>
  /** distinct: field that names the resource. */
  readonly subject?: string
  /** distinct: values of `field` that make the subject a member, and that end it. */
  readonly join?: readonly string[]
  readonly leave?: readonly string[]
}

/** The meters whose counter is a set of members. */
export function distinctMeters(catalogue: {
  readonly meters: Readonly<Record<string, readonly MeterDefinition[]>>
}): readonly string[] {
  const isDistinct = (definitions: readonly MeterDefinition[]): boolean =>
    definitions[0]?.aggregation === 'distinct'
  return Object.entries(catalogue.meters).flatMap(([meter, definitions]) =>
    isDistinct(definitions) ? [meter] : [],
  )
}

/** The definition of a meter in force at an instant; null before its first one, or for an unknown meter. */
export function meterAt(
  catalogue: { readonly meters: Readonly<Record<string, readonly MeterDefinition[]>> },
  meter: string,
  at: Instant,
): MeterDefinition | null {
  return ownValue(catalogue.meters, meter)?.findLast((definition) => definition.from <= at) ?? null
}
