import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import type { Plan } from './plan.ts'

/** Price of one unit (a seat, a pack) for one month by ISO 4217 currency, minor units. */
export type Prices = Readonly<Record<string, number>>

/** Minor units for one seat and month at an instant, by the newest version that states prices; null = not sold. */
export function seatPriceAt(
  plan: Plan,
  { currency, at }: { readonly currency: string; readonly at: Instant },
): number | null {
  return ownValue(pricesAt(plan, at) ?? undefined, currency) ?? null
}

/** Prices of a seat at an instant, by the newest version that states them; null where none does. */
export function pricesAt(plan: Plan, at: Instant): Prices | null {
  return plan.versions.findLast(({ from, prices }) => from <= at && prices !== null)?.prices ?? null
}
