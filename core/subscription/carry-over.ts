import { accessOf } from './access.ts'
import type { SubscriptionRules } from './fold.ts'
import type { AcceptedSubscription, Subscription, SubscriptionEvent } from './subscription.ts'

/** A version whose order was judged: it stands there where it was accepted, and is not merely restated as paid. */
export interface JudgedVersion extends SubscriptionEvent {
  readonly isOrderRefused: boolean
}

/**
 * What a version leaves as it was because stating it anew does not change it; support may change all of it but the first.
 *
 * What was never paid stays so: of a trial, and of a purchase that waits for its payment, `expired` says that time has
 * run out, never that they were bought (S1, S2). What was paid stays paid: `payment_pending` is a subscription that
 * never was, so stated of one that was it ends no access and prolongs none (S12). What was canceled ended then, so
 * `expired` after it says nothing new (S9). The pin of the plan version stays through a renewal. Source: domain.md,
 * "payment_pending (status)", "expired (status)" and "plan version".
 */
export function carryOver(
  before: AcceptedSubscription | null,
  event: JudgedVersion,
  rules: SubscriptionRules,
): Subscription {
  const { actor } = event
  if (before === null) return event.subscription
  const subscription = isExpiredUnpaid(before, event.subscription)
    ? { ...event.subscription, status: before.status }
    : event.subscription
  if (actor === 'support' || before.status === 'payment_pending') return subscription
  return { ...subscription, ...keptStatus(before, subscription), planSince: pinOf(before, event, rules) }
}

/** Whether a subscription was paid once; one that was canceled must be bought anew. */
export function wasPaid({ status }: Subscription): boolean {
  return status === 'active' || status === 'expired'
}

/** Whether a version is a purchase: by its type, unless its order was refused, or because it pays the order of one. */
export function isPurchase({ type, order, isOrderRefused }: JudgedVersion): boolean {
  return (type === 'purchased' && !isOrderRefused) || (order?.kind === 'purchase' && order.status === 'paid')
}

function isExpiredUnpaid(before: AcceptedSubscription, { subscriptionId, status }: Subscription): boolean {
  const wasUnpaid = before.status === 'trialing' || before.status === 'payment_pending'
  return wasUnpaid && status === 'expired' && subscriptionId === before.subscriptionId
}

function keptStatus(
  before: AcceptedSubscription,
  { subscriptionId, status }: Subscription,
): Partial<Subscription> {
  if (subscriptionId !== before.subscriptionId) return {}
  if (status === 'payment_pending' && wasPaid(before))
    return { status: before.status, periodEnd: before.periodEnd }
  return status === 'expired' && before.status === 'canceled' ? { status: before.status } : {}
}

/** Since when the plan is held: moved by a change of plan and a purchase after a lapse or a trial, and by nothing else. */
function pinOf(before: AcceptedSubscription, event: JudgedVersion, rules: SubscriptionRules): number {
  const { plan, planSince } = event.subscription
  const wasLapsed = accessOf(before, event.occurredAt, rules) === 'lapsed'
  const isBoughtAnew = isPurchase(event) && (wasLapsed || before.status === 'trialing')
  if (plan === before.plan && !isBoughtAnew) return before.planSince
  return planSince === before.planSince ? event.occurredAt : planSince
}
