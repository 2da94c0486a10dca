import { accessOf } from './access.ts'
import type { SubscriptionRules } from './fold.ts'
import type { AcceptedSubscription, Subscription, SubscriptionEvent } from './subscription.ts'

/**
 * What a version leaves as it was because stating it anew does not change it; support may change all of it.
 *
 * What was paid stays paid: `payment_pending` is a subscription that never was, so stated of one that was it ends
 * no access and prolongs none (S12). The pin of the plan version stays through a renewal. Source: domain.md,
 * "payment_pending (status)" and "plan version".
 */
export function carryOver(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Subscription {
  const { subscription, actor } = event
  if (before === null || actor === 'support' || !wasPaid(before)) return subscription
  return { ...subscription, ...paidPeriod(before, subscription), planSince: pinOf(before, event, rules) }
}

/** Whether a subscription was paid once; one that was canceled must be bought anew. */
export function wasPaid({ status }: Subscription): boolean {
  return status === 'active' || status === 'expired'
}

/** Whether an event is a purchase: by its type, or because it carries the paid order of one. */
export function isPurchase({ type, order }: SubscriptionEvent): boolean {
  return type === 'purchased' || (order?.kind === 'purchase' && order.status === 'paid')
}

function paidPeriod(
  before: AcceptedSubscription,
  { subscriptionId, status }: Subscription,
): Partial<Subscription> {
  if (status !== 'payment_pending' || subscriptionId !== before.subscriptionId) return {}
  return { status: before.status, periodEnd: before.periodEnd }
}

/** Since when the plan is held: moved by a change of plan and a purchase after a lapse, and by nothing else. */
function pinOf(before: AcceptedSubscription, event: SubscriptionEvent, rules: SubscriptionRules): number {
  const { plan, planSince } = event.subscription
  const isBoughtAnew = isPurchase(event) && accessOf(before, event.occurredAt, rules) === 'lapsed'
  if (plan === before.plan && !isBoughtAnew) return before.planSince
  return planSince === before.planSince ? event.occurredAt : planSince
}
