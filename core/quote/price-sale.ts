import type { Catalogue } from '../catalogue/catalogue.ts'
import { seatPriceAt } from '../catalogue/price.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { addMonths } from '../subscription/add-months.ts'
import type { AcceptedSubscription, BoughtAddOn } from '../subscription/subscription.ts'
import { atLeastMonths, type ChargedTime, plusMonths, timeUntil } from './charged-time.ts'
import { type LineTerms, priceLine, type QuoteLine } from './price-line.ts'
import { discountOf, type Sale } from './sale.ts'

/** A sale, what it changes, and when it would be made. */
export interface SaleInput {
  readonly catalogue: Catalogue
  readonly subscription: AcceptedSubscription
  readonly sale: Sale
  readonly at: Instant
}

/** What a sale costs, and the subscription that it would leave in force. */
export interface PricedSale {
  readonly lines: readonly QuoteLine[]
  readonly subscription: AcceptedSubscription
}

/**
 * Prices a sale line by line: changes inside the running term, a new term, packs.
 *
 * Prices are those of the newest plan version, also for who is pinned to an older one. The term's discount is
 * on seats only, packs have none.
 */
export function priceSale(input: SaleInput): PricedSale {
  const { subscription, sale, at } = input
  const packs = packLines(input)
  const lines = [...changeLines(input), ...termLines(input), ...packs].map(priceLine)
  const isSamePlan = sale.isRunning && sale.plan === subscription.plan
  const bought = packs.map(({ item, quantity, from, until }): BoughtAddOn => {
    return { key: item, quantity, from, until }
  })
  return {
    lines,
    subscription: {
      ...subscription,
      status: 'active',
      plan: sale.plan,
      planSince: isSamePlan ? subscription.planSince : at,
      seats: sale.seats,
      termMonths: sale.term?.months ?? subscription.termMonths,
      periodStart: sale.isRunning ? subscription.periodStart : at,
      periodEnd: endOf(input),
      currency: sale.payment.currency,
      addOns: [...subscription.addOns, ...bought],
      openOrder: null,
    },
  }
}

/** A better plan for the seats there are, and more seats: both until the running period ends, if it has not (S5, S6). */
function changeLines(input: SaleInput): readonly LineTerms[] {
  const { catalogue, subscription, sale, at } = input
  const until = subscription.periodEnd
  if (!sale.isRunning || at >= until) return []
  const discountPercent = discountOf(catalogue.terms, subscription.termMonths)
  const shared = { item: sale.plan, time: timeUntil(until, at), discountPercent, from: at, until }
  const unitMinor = seatPrice(input, sale.plan)
  const more = sale.seats - subscription.seats
  const dearer = Math.max(unitMinor - seatPrice(input, subscription.plan), 0)
  return [
    ...(sale.plan === subscription.plan
      ? []
      : [{ ...shared, kind: 'upgrade', quantity: subscription.seats, unitMinor: dearer } as const]),
    ...(more > 0 ? [{ ...shared, kind: 'seats', quantity: more, unitMinor } as const] : []),
  ]
}

/** The term that is bought: from now, or from the end of the one that runs. */
function termLines(input: SaleInput): readonly LineTerms[] {
  const { subscription, sale, at } = input
  if (sale.term === null) return []
  const { months, discountPercent } = sale.term
  return [
    {
      kind: sale.isRunning ? 'renewal' : 'purchase',
      item: sale.plan,
      quantity: sale.seats,
      unitMinor: seatPrice(input, sale.plan),
      time: { months, part: null },
      discountPercent,
      from: sale.isRunning ? subscription.periodEnd : at,
      until: endOf(input),
    },
  ]
}

/** Packs run with the subscription, from its renewal where the paid period is over (S1), or for their minimum term when it ends before that. */
function packLines(input: SaleInput): readonly LineTerms[] {
  const { catalogue, subscription, sale, at } = input
  const from = sale.isRunning ? Math.min(at, subscription.periodEnd) : at
  const whole = timeOf(input)
  return sale.addOns.map(({ key, quantity }): LineTerms => {
    const addOn = ownValue(catalogue.addOns, key)
    const time = atLeastMonths(whole, addOn?.minMonths ?? 0)
    const unitMinor = ownValue(addOn?.prices ?? undefined, sale.payment.currency) ?? 0
    const until = time === whole ? endOf(input) : addMonths(from, time.months)
    return { kind: 'add_on', item: key, quantity, unitMinor, time, discountPercent: 0, from, until }
  })
}

/** From now until what is bought ends. */
function timeOf({ subscription, sale, at }: SaleInput): ChargedTime {
  const running = sale.isRunning ? timeUntil(subscription.periodEnd, at) : { months: 0, part: null }
  return plusMonths(running, sale.term?.months ?? 0)
}

/** When the paid period would end. */
function endOf({ subscription, sale, at }: SaleInput): Instant {
  return addMonths(sale.isRunning ? subscription.periodEnd : at, sale.term?.months ?? 0)
}

function seatPrice({ catalogue, sale, at }: SaleInput, key: string): number {
  const plan = ownValue(catalogue.plans, key)
  return (plan === undefined ? null : seatPriceAt(plan, { currency: sale.payment.currency, at })) ?? 0
}
