import type { TrialRule } from '../catalogue/catalogue.ts'
import type { PaymentRule, Term } from '../catalogue/payment-terms.ts'
import type { Instant } from '../instant.ts'
import { startOfDay } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { type AccessRules, accessOf } from './access.ts'
import { carryOver, isPurchase, wasPaid } from './carry-over.ts'
import { flagTrial, type Warning } from './flag-trial.ts'
import { isOfTerm, PROLONGING } from './order-kinds.ts'
import { faultOfPayment } from './payment-rules.ts'
import { refuseFields } from './refuse-fields.ts'
import { refuseWhole } from './refuse-whole.ts'
import type { RulesAt } from './rules-in-force.ts'
import type { AcceptedSubscription, Order, Refusal, Subscription, SubscriptionEvent } from './subscription.ts'

/** The part of the catalogue that the fold depends on. */
export interface SubscriptionRules extends AccessRules {
  readonly plans: Readonly<Record<string, { readonly rank: number }>>
  readonly addOns: Readonly<Record<string, { readonly minMonths: number }>>
  readonly terms: readonly Term[]
  readonly payments: readonly PaymentRule[]
  readonly trial: TrialRule
}

/** An order as the history keeps it. */
export interface KeptOrder extends Order {
  /** Sentence of the refusal, when the order broke the payment rules. */
  readonly refused: string | null
}

/** Everything the fold carries from version to version. */
export interface SubscriptionState {
  readonly subscription: AcceptedSubscription | null
  readonly orders: Readonly<Record<string, KeptOrder>>
  /** Subscription that the workspace's one trial belonged to. */
  readonly trialOf: string | null
  /** Where the workspace was ordering from, oldest first. */
  readonly countries: readonly CountrySince[]
}

/** A country that versions stated from an instant on. */
export interface CountrySince {
  readonly country: string
  readonly since: Instant
}

/** What one version changed. */
export interface AppliedChange {
  readonly state: SubscriptionState
  readonly refusals: readonly Refusal[]
  /** What was applied and looks wrong. */
  readonly warnings: readonly Warning[]
  /** A flow window that begins inside a day with this version, else null. */
  readonly windowStart: Instant | null
}

/** A workspace before its first version. */
export const NO_SUBSCRIPTION: SubscriptionState = {
  subscription: null,
  orders: {},
  trialOf: null,
  countries: [],
}

/**
 * Applies the next version to what is accepted so far.
 *
 * Refusal is by field: the offending field keeps its last accepted value, the rest applies. Some rules refuse
 * the whole event. An event by support lifts the rules of transition, never what cannot be enforced at all (an
 * unknown plan or add-on). Source: domain.md, "How a subscription's state is made".
 */
export function applyChange(
  before: SubscriptionState,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): AppliedChange {
  const whole = refuseWhole(before, event, rules)
  if (whole !== null) return { state: before, refusals: [whole], warnings: [], windowStart: null }
  const { orders, refusal, order } = keepOrder(before, event, rules)
  const taken = { ...event, order }
  const stated = { ...taken, subscription: carryOver(before.subscription, taken, rules) }
  const fields = refuseFields(before.subscription, stated, rules)
  const windowStartsAt = windowStartOf(before.subscription, stated, rules)
  const subscription: AcceptedSubscription = {
    ...fields.subscription,
    version: event.version,
    occurredAt: isCanceledAgain(before.subscription, fields.subscription)
      ? before.subscription.occurredAt
      : event.occurredAt,
    openOrder: openOrderOf(before.subscription, order, fields.subscription.periodEnd),
    windowStartsAt: windowStartsAt ?? before.subscription?.windowStartsAt ?? null,
  }
  const trialOf = before.trialOf ?? (subscription.status === 'trialing' ? subscription.subscriptionId : null)
  const isInsideDay = windowStartsAt !== null && windowStartsAt !== startOfDay(windowStartsAt)
  return {
    state: { subscription, orders, trialOf, countries: countriesAfter(before, event) },
    refusals: refusal === null ? fields.refusals : [...fields.refusals, refusal],
    warnings: flagTrial(before.subscription, event, rules.trial),
    windowStart: isInsideDay ? windowStartsAt : null,
  }
}

/** Whether a version only restates that its subscription is canceled: it ended when it first was (S9). */
function isCanceledAgain(
  before: AcceptedSubscription | null,
  { subscriptionId, status }: Subscription,
): before is AcceptedSubscription {
  return status === 'canceled' && before?.status === 'canceled' && before.subscriptionId === subscriptionId
}

/** What the fold of some versions says, version by version. */
export interface FoldedVersions {
  readonly state: SubscriptionState
  readonly changes: ReadonlyMap<number, AppliedChange>
}

/**
 * Folds versions in version order; the order they are given in and repeated versions do not matter (G18).
 *
 * Each is judged by the rules that were in force when it happened: a catalogue that is stored later changes nothing
 * of what was accepted (ADR 0025).
 */
export function foldVersions(events: readonly SubscriptionEvent[], rulesAt: RulesAt): FoldedVersions {
  const changes = new Map<number, AppliedChange>()
  let state = NO_SUBSCRIPTION
  for (const event of [...events].sort((a, b) => a.version - b.version)) {
    if (changes.has(event.version)) continue
    const change = applyChange(state, event, rulesAt(event.occurredAt))
    changes.set(event.version, change)
    state = change.state
  }
  return { state, changes }
}

interface KeptOrders {
  readonly orders: SubscriptionState['orders']
  readonly refusal: Refusal | null
  /** The order of this event when it was accepted. */
  readonly order: Order | null
}

/**
 * Keeps the event's order; one that is new, or is paid another way, is judged by the payment rules (S7).
 *
 * The country counts that it is placed from: as the event states it, or as it was when the order was placed.
 */
function keepOrder(
  before: SubscriptionState,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): KeptOrders {
  const { order, actor, subscription } = event
  if (order === null) return { orders: before.orders, refusal: null, order: null }
  const known = ownValue(before.orders, order.orderId)
  const faultFrom = (country: string): string | null =>
    faultOfPayment(order, { country, actor }, rules.payments)
  const placedFrom = countryAt(before.countries, order.placedAt) ?? subscription.country
  const isJudged = known === undefined || !isSameWay(known, order)
  const judged = isJudged ? faultFrom(placedFrom) && faultFrom(subscription.country) : known.refused
  const fault = actor === 'support' ? null : judged
  const orders = { ...before.orders, [order.orderId]: { ...order, refused: fault } }
  if (fault === null) return { orders, refusal: null, order }
  return { orders, refusal: { code: 'payment_not_allowed', reason: `${fault} (S7)` }, order: null }
}

function isSameWay(known: Order, order: Order): boolean {
  return (
    known.method === order.method &&
    known.currency === order.currency &&
    known.installments === order.installments
  )
}

function countryAt(countries: readonly CountrySince[], at: Instant): string | null {
  return countries.findLast(({ since }) => since <= at)?.country ?? null
}

function countriesAfter(
  { countries }: SubscriptionState,
  { subscription: { country }, occurredAt }: SubscriptionEvent,
): readonly CountrySince[] {
  return countries.at(-1)?.country === country ? countries : [...countries, { country, since: occurredAt }]
}

/**
 * The order that waits for payment after this event.
 *
 * An attempt that began before the end of the period is kept over a retry after it, also with another method
 * by a new order (S12): it is the one that opens the processing window. What else is ordered meanwhile (seats,
 * an upgrade, an add-on) leaves an open renewal open.
 */
function openOrderOf(
  before: AcceptedSubscription | null,
  order: Order | null,
  periodEnd: Instant,
): Order | null {
  const open = before?.openOrder ?? null
  if (order === null) return open
  const isSame = open?.orderId === order.orderId
  const wasProlonging = open !== null && PROLONGING.includes(open.kind)
  const isProlonging = PROLONGING.includes(order.kind)
  if (wasProlonging && !isSame && !isOfTerm(order)) return open
  if (order.status === 'paid')
    return isSame || open === null || (isOfTerm(open) && isOfTerm(order)) ? null : open
  if (order.status !== 'pending') return isSame ? null : open
  const isRetry = isSame || (wasProlonging && isProlonging)
  const first = isRetry ? (open?.attempt ?? null) : null
  const keepsFirst = first !== null && first.at < periodEnd && (order.attempt?.at ?? periodEnd) >= periodEnd
  return keepsFirst ? { ...order, attempt: first } : order
}

/** When this version begins a new flow window: first purchase, purchase after a lapse, change of anchor. */
function windowStartOf(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Instant | null {
  const { status, anchorDay } = event.subscription
  if (status !== 'active') return null
  if (before === null || !wasPaid(before)) return event.occurredAt
  const isLapsed = accessOf(before, event.occurredAt, rules) !== 'active'
  if (isLapsed && isPurchase(event)) return event.occurredAt
  return before.anchorDay === anchorDay ? null : event.occurredAt
}
