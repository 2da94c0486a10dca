import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Term } from '../catalogue/payment-terms.ts'
import { seatPriceAt } from '../catalogue/price.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { accessOf } from '../subscription/access.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { type PaymentWay, paymentWayOf } from './payment-way.ts'

/** What a workspace wants a price for; what is absent stays as it is. */
export interface QuoteWish {
  readonly plan?: string
  /** All seats there shall be, not only the new ones. */
  readonly seats?: number
  /** Length of a new term: from now for a purchase, else on top of the term that runs. */
  readonly termMonths?: number
  /** Packs to buy beside those that run. */
  readonly addOns: readonly { readonly key: string; readonly quantity: number }[]
}

/** A wish that may be bought, with everything filled in that it leaves open. */
export interface Sale {
  /** Whether paid access runs, so that what is bought comes on top; else it is a purchase. */
  readonly isRunning: boolean
  readonly plan: string
  readonly seats: number
  /** Term that is bought; null for a change inside the one that runs. */
  readonly term: Term | null
  readonly addOns: QuoteWish['addOns']
  readonly payment: PaymentWay
}

/** Who wishes what, when. */
export interface WishInput {
  readonly catalogue: Catalogue
  readonly subscription: AcceptedSubscription
  readonly wish: QuoteWish
  readonly at: Instant
}

/** Fills in a wish. Throws `not_for_sale`, naming the field, for what could not be bought without support. */
export function saleOf({ catalogue, subscription, wish, at }: WishInput): Sale {
  const isRunning = subscription.status !== 'trialing' && accessOf(subscription, at, catalogue) === 'active'
  const payment = paymentWayOf(subscription, catalogue.payments)
  if (payment === null) {
    throw notForSale('workspace', `nothing can be paid from ${subscription.country}; ask support`)
  }
  const plan = wish.plan ?? subscription.plan
  const seats = wish.seats ?? subscription.seats
  const isInsideTerm = isRunning && at < subscription.periodEnd && wish.termMonths === undefined
  const term = isInsideTerm ? null : termOf({ catalogue, subscription, wish, at })
  const sale = { isRunning, plan, seats, term, addOns: wish.addOns, payment }
  requireSoldPlan(sale, catalogue, at)
  for (const { key } of wish.addOns) requireSoldAddOn(key, catalogue, payment.currency)
  if (isRunning) requireTransition(sale, catalogue, subscription)
  return sale
}

/** The failure of a wish that cannot be bought: which field, why, and the rule's code where there is one. */
export function notForSale(
  field: string,
  reason: string,
  details: Readonly<Record<string, unknown>> = {},
): TallygateError {
  return new TallygateError('not_for_sale', `${field}: ${reason}`, { field, ...details })
}

/** The discount of a term: a listed length has its own, another none (S4). */
export function discountOf(terms: readonly Term[], months: number): number {
  return terms.find((term) => term.months === months)?.discountPercent ?? 0
}

/** The term asked for; a purchase, or a renewal of what is over, that names none takes the one there was, or the shortest (S3). */
function termOf({ catalogue: { terms }, subscription, wish }: WishInput): Term {
  const shortest = terms[0]?.months ?? 1
  const months = wish.termMonths ?? Math.max(subscription.termMonths, shortest)
  if (months >= shortest) return { months, discountPercent: discountOf(terms, months) }
  throw notForSale('termMonths', `the shortest term is ${shortest} months (S3)`, { rule: 'term_too_short' })
}

function requireSoldPlan({ plan, payment: { currency } }: Sale, { plans }: Catalogue, at: Instant): void {
  const isSold = (key: string): boolean => {
    const found = ownValue(plans, key)
    return found !== undefined && seatPriceAt(found, { currency, at }) !== null
  }
  if (isSold(plan)) return
  const known = Object.keys(plans).filter(isSold)
  const what =
    ownValue(plans, plan) === undefined ? `there is no plan "${plan}"` : `${plan} is not sold in ${currency}`
  throw notForSale('plan', `${what}; sold are ${known.join(', ') || 'none'}`, { known })
}

function requireSoldAddOn(key: string, { addOns }: Catalogue, currency: string): void {
  const isSold = (name: string): boolean =>
    ownValue(ownValue(addOns, name)?.prices ?? undefined, currency) !== undefined
  if (isSold(key)) return
  const known = Object.keys(addOns).filter(isSold)
  const what =
    ownValue(addOns, key) === undefined ? `there is no add-on "${key}"` : `${key} is not sold in ${currency}`
  throw notForSale('addOns', `${what}; sold are ${known.join(', ') || 'none'}`, { known })
}

/** What a paid subscription that runs may not become without support (S15), or without a renewal (seats). */
function requireTransition(
  { plan, seats, term }: Sale,
  { plans }: Catalogue,
  before: AcceptedSubscription,
): void {
  const rankOf = (key: string): number => ownValue(plans, key)?.rank ?? 0
  if (rankOf(plan) < rankOf(before.plan)) {
    const reason = `${plan} is below ${before.plan}; only support can downgrade (S15)`
    throw notForSale('plan', reason, { rule: 'downgrade_needs_support' })
  }
  if (seats < before.seats && term === null) {
    const reason = `${seats} are fewer than ${before.seats}; name a term to take seats off with the renewal`
    throw notForSale('seats', reason, { rule: 'seats_need_support' })
  }
}
