import type { Instant } from '../instant.ts'
import type { ChargedTime } from './charged-time.ts'

/** What a line of a quote charges for: a first or new term, a change inside a term, or packs. */
export const lineKinds = ['purchase', 'renewal', 'upgrade', 'seats', 'add_on'] as const
export type LineKind = (typeof lineKinds)[number]

/** What a line charges for, before its amount is known. */
export interface LineTerms {
  readonly kind: LineKind
  /** Key of the plan or the add-on. */
  readonly item: string
  /** Seats or packs. */
  readonly quantity: number
  /** Minor units for one seat or pack and month; for an upgrade the difference of the two plans. */
  readonly unitMinor: number
  readonly time: ChargedTime
  readonly discountPercent: number
  /** What is charged covers `[from, until)`. */
  readonly from: Instant
  readonly until: Instant
}

/** A line of a quote with its amount in minor units. */
export interface QuoteLine extends LineTerms {
  readonly amountMinor: number
}

/**
 * Prices a line: units × price × time, less the discount, rounded half up once (domain.md, "proration").
 *
 * Exact whatever the size: the fraction is kept in whole numbers until it is rounded.
 */
export function priceLine(terms: LineTerms): QuoteLine {
  const { quantity, unitMinor, time, discountPercent } = terms
  const { ms, ofMs } = time.part ?? { ms: 0, ofMs: 1 }
  const partsOfMonth = BigInt(time.months) * BigInt(ofMs) + BigInt(ms)
  const full = BigInt(quantity) * BigInt(unitMinor) * partsOfMonth
  const hundredths = full * BigInt(100 - discountPercent)
  return { ...terms, amountMinor: Number(divideHalfUp(hundredths, BigInt(ofMs) * 100n)) }
}

/** A non-negative fraction as the nearest whole number; a half goes up. */
function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator * 2n + denominator) / (denominator * 2n)
}
