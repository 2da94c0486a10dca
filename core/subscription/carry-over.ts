import { accessOf } from './access.ts'
import type { SubscriptionRules } from './fold.ts'
import type { AcceptedSubscription, Subscription, SubscriptionEvent } from './subscription.ts'

/**
 * What a version leaves as it was because stating it anew does not change it; support may change all of it.
 *
 * What was paid stays paid: `payment_pending` is a subscription that never was, so stated of one that was it ends
 * no access and prolongs none (S12). What was canceled ended then, so `expired` after it says nothing new (S9). The pin of
 * the plan version stays through a renewal. Source: domain.md, "payment_pending (status)" and "plan version".
 */
export function carryOver(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Subscription {
  const { subscription, actor } = event
  if (before === null || actor === 'support' || before.status === 'payment_pending') return subscription
  return { ...subscription, ...keptStatus(before, subscription), planSince: pinOf(before, event, rules) }
}

/** Whether a subscription was paid once; one that was canceled must be bought anew. */
export function wasPaid({ status }: Subscription): boolean {
  return status === 'active' || status === 'expired'
}

/** Whether an event is a purchase: by its type, or because it carries the paid order of one. */
export function isPurchase({ type, order }: SubscriptionEvent): boolean {
  return type === 'purchased' || (order?.kind === 'purchase' && order.status === 'paid')
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
function pinOf(before: AcceptedSubscription, event: SubscriptionEvent, rules: SubscriptionRules): number {
  const { plan, planSince } = event.subscription
  const wasLapsed = accessOf(before, event.occurredAt, rules) === 'lapsed'
  const isBoughtAnew = isPurchase(event) && (wasLapsed || before.status === 'trialing')
  if (plan === before.plan && !isBoughtAnew) return before.planSince
  return planSince === before.planSince ? event.occurredAt : planSince
}
