import type { TrialRule } from '../catalogue/catalogue.ts'
import type { PaymentRule, Term } from '../catalogue/payment-terms.ts'
import type { Instant } from '../instant.ts'
import { startOfDay } from '../instant.ts'
import { type AccessRules, accessEndOf, accessOf } from './access.ts'
import { carryOver, isPurchase, type JudgedVersion, wasPaid } from './carry-over.ts'
import { flagTrial, type Warning } from './flag-trial.ts'
import { type KeptOrder, OrderBook, paysNow } from './order-book.ts'
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

/** What the fold carries from version to version, beside the orders. */
export interface AcceptedState {
  readonly subscription: AcceptedSubscription | null
  /** Subscription that the workspace's trial belonged to; of several, which only support grants, the last one. */
  readonly trialOf: string | null
}

/** What all versions come to. */
export interface SubscriptionState extends AcceptedState {
  /** Every order there was, by its id. */
  readonly orders: Readonly<Record<string, KeptOrder>>
}

/** What one version changed. */
export interface AppliedChange {
  readonly state: AcceptedState
  readonly refusals: readonly Refusal[]
  /** What was applied and looks wrong. */
  readonly warnings: readonly Warning[]
  /** A flow window that begins inside a day with this version, else null. */
  readonly windowStart: Instant | null
}

const NO_SUBSCRIPTION: AcceptedState = { subscription: null, trialOf: null }

/**
 * Applies the next version to what is accepted so far, and keeps its order.
 *
 * Refusal is by field: the offending field keeps its last accepted value, the rest applies. Some rules refuse
 * the whole event. An event by support lifts the rules of transition, never what cannot be enforced at all (an
 * unknown plan or add-on). Source: domain.md, "How a subscription's state is made".
 */
function applyChange(
  before: AcceptedState,
  event: SubscriptionEvent,
  { rules, book }: { readonly rules: SubscriptionRules; readonly book: OrderBook },
): AppliedChange {
  const known = event.order === null ? null : book.order(event.order.orderId)
  const whole = refuseWhole({ ...before, order: known }, event, rules)
  if (whole !== null) return { state: before, refusals: [whole], warnings: [], windowStart: null }
  const { kept, refusal, order } = judgeOrder(event, { known, book }, rules)
  const taken = { ...event, order, isOrderRefused: refusal !== null }
  const stated = { ...taken, subscription: carryOver(before.subscription, taken, rules) }
  const fields = refuseFields(before.subscription, stated, rules)
  const windowStartsAt = windowStartOf(before.subscription, stated, rules)
  if (kept !== null) book.keep(kept)
  const subscription: AcceptedSubscription = {
    ...fields.subscription,
    version: event.version,
    occurredAt: isCanceledAgain(before.subscription, fields.subscription)
      ? before.subscription.occurredAt
      : event.occurredAt,
    openOrder: openOrderOf(
      before.subscription,
      { ...taken, subscription: fields.subscription },
      { rules, book },
    ),
    windowStartsAt: windowStartsAt ?? before.subscription?.windowStartsAt ?? null,
  }
  const trialOf = subscription.status === 'trialing' ? subscription.subscriptionId : before.trialOf
  const isInsideDay = windowStartsAt !== null && windowStartsAt !== startOfDay(windowStartsAt)
  book.orderedFrom(event.subscription.country, event.occurredAt)
  return {
    state: { subscription, trialOf },
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
  const book = new OrderBook()
  let state = NO_SUBSCRIPTION
  for (const event of [...events].sort((a, b) => a.version - b.version)) {
    if (changes.has(event.version)) continue
    const change = applyChange(state, event, { rules: rulesAt(event.occurredAt), book })
    changes.set(event.version, change)
    state = change.state
  }
  return { state: { ...state, orders: book.orders() }, changes }
}

interface JudgedOrder {
  readonly kept: KeptOrder | null
  readonly refusal: Refusal | null
  /** The order of this event when it was accepted, and is not one that was paid before and is merely restated. */
  readonly order: Order | null
}

/**
 * Judges the event's order by the payment rules (S7) when it is new, or is paid another way.
 *
 * The country counts that it is placed from: as the event states it, or as it was when the order was placed.
 */
function judgeOrder(
  event: SubscriptionEvent,
  { known, book }: { readonly known: KeptOrder | null; readonly book: OrderBook },
  rules: SubscriptionRules,
): JudgedOrder {
  const { order, actor, subscription } = event
  if (order === null) return { kept: null, refusal: null, order: null }
  const faultFrom = (country: string): string | null =>
    faultOfPayment(order, { country, actor }, rules.payments)
  const placedFrom = book.countryAt(order.placedAt) ?? subscription.country
  const isJudged = known === null || !isSameWay(known, order)
  const judged = isJudged ? faultFrom(placedFrom) && faultFrom(subscription.country) : known.refused
  const fault = actor === 'support' ? null : judged
  const kept = { ...order, refused: fault }
  const isRestated = order.status === 'paid' && !paysNow(order, known)
  if (fault === null) return { kept, refusal: null, order: isRestated ? null : order }
  return { kept, refusal: { code: 'payment_not_allowed', reason: `${fault} (S7)` }, order: null }
}

function isSameWay(known: Order, order: Order): boolean {
  return (
    known.method === order.method &&
    known.currency === order.currency &&
    known.installments === order.installments
  )
}

/**
 * The order that waits for payment after this event, of which `subscription` is what was accepted.
 *
 * An attempt that began before the end of the period is kept over a retry after it, also with another method
 * by a new order (S12), and when that is given up again: it is the one that opens the processing window. What else is ordered meanwhile (seats,
 * an upgrade, an add-on) leaves an open renewal open, and so does a purchase while that renewal keeps access.
 */
function openOrderOf(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  { rules, book }: { readonly rules: SubscriptionRules; readonly book: OrderBook },
): Order | null {
  const { order, subscription } = event
  const open = before?.openOrder ?? null
  if (order === null) return open
  const isSame = open?.orderId === order.orderId
  const wasProlonging = open !== null && PROLONGING.includes(open.kind)
  const isProlonging = PROLONGING.includes(order.kind)
  if (wasProlonging && !isSame && !isOfTerm(order)) return open
  if (order.status === 'paid')
    return isSame || open === null || (isOfTerm(open) && isOfTerm(order)) ? book.waiting() : open
  if (order.status !== 'pending') return isSame ? book.waiting() : open
  const isByAnother = wasProlonging && isProlonging && !isSame
  const first = isByAnother ? open.attempt : book.attemptOf(order.orderId)
  const { periodEnd } = subscription
  const keepsFirst = first !== null && first.at < periodEnd && (order.attempt?.at ?? periodEnd) >= periodEnd
  const waiting = book.waitsWith(keepsFirst ? { ...order, attempt: first } : order)
  return !isSame && !isProlonging && isInWindow(before, event, rules) ? open : waiting
}

/** Whether the order that was open keeps, or will keep, access past the end of the period: its processing window (S1). */
function isInWindow(
  before: AcceptedSubscription | null,
  { subscription, occurredAt }: SubscriptionEvent,
  rules: SubscriptionRules,
): boolean {
  if (before?.subscriptionId !== subscription.subscriptionId) return false
  const { openOrder } = before
  const end = accessEndOf({ ...before, ...subscription, openOrder, occurredAt }, rules)
  return end > Math.max(subscription.periodEnd, occurredAt)
}

/** When this version begins a new flow window: first purchase, purchase after a lapse, change of anchor. */
function windowStartOf(
  before: AcceptedSubscription | null,
  event: JudgedVersion,
  rules: SubscriptionRules,
): Instant | null {
  const { status, anchorDay } = event.subscription
  if (status !== 'active') return null
  if (before === null || !wasPaid(before)) return event.occurredAt
  const isLapsed = accessOf(before, event.occurredAt, rules) !== 'active'
  if (isLapsed && isPurchase(event)) return event.occurredAt
  return before.anchorDay === anchorDay ? null : event.occurredAt
}
