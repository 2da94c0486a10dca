import { toIso } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { accessEndOf, accessOf, hasPaidAccess } from './access.ts'
import type { AcceptedState, SubscriptionRules } from './fold.ts'
import { type KeptOrder, paysNow } from './order-book.ts'
import { isOfTerm } from './order-kinds.ts'
import type { AcceptedSubscription, Refusal, SubscriptionEvent } from './subscription.ts'

/** Types that state the length of a paid term (S3). */
const TERM_TYPES: readonly string[] = ['purchased', 'renewed', 'extended']

/** What a version is judged against. */
export interface BeforeVersion extends AcceptedState {
  /** The order that the version states, as it was kept before; null for one that is new. */
  readonly order: KeptOrder | null
}

/**
 * Why nothing of a version applies; null when its fields are judged one by one. What support does is meant, but not what
 * cannot be enforced at all. Source: domain.md, "How a subscription's state is made".
 */
export function refuseWhole(
  before: BeforeVersion,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Refusal | null {
  const { subscription, actor, type, order } = event
  const plan = subscription.plan
  if (ownValue(rules.plans, plan) === undefined) {
    const known = Object.keys(rules.plans).join(', ')
    return { code: 'unknown_plan', reason: `the catalogue has no plan "${plan}"; known are ${known}` }
  }
  const addOn = subscription.addOns.find(({ key }) => ownValue(rules.addOns, key) === undefined)
  if (addOn !== undefined)
    return {
      code: 'unknown_add_on',
      reason: `the catalogue has no add-on "${addOn.key}"; known are ${Object.keys(rules.addOns).join(', ')}`,
    }
  if (actor === 'support') return null
  const isKnownRefund = before.order?.status === 'refunded'
  if (type === 'refunded' || (order?.status === 'refunded' && !isKnownRefund)) {
    return {
      code: 'refund_needs_support',
      reason: `the refund of ${order === null ? `subscription ${subscription.subscriptionId}` : `order ${order.orderId}`} came from ${actor}; only support may refund (S9), send it with actor support`,
    }
  }
  return (
    refuseSecond(before, event, rules) ??
    refuseTrial(before, event, rules) ??
    refuseTerm(before, event, rules)
  )
}

function refuseSecond(
  before: AcceptedState,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Refusal | null {
  const running = before.subscription
  if (running === null || running.subscriptionId === event.subscription.subscriptionId) return null
  if (!hasPaidAccess(running, event.occurredAt, rules)) return null
  const reason = `${event.workspace} has subscription ${running.subscriptionId} until ${toIso(accessEndOf(running, rules))}; a second one (${event.subscription.subscriptionId}) is refused (S2). Change ${running.subscriptionId}, or let support replace it`
  return { code: 'second_subscription', reason }
}

/** While the trial runs it may change, and once it ended it may be restated; it does not begin again, nor beside what is paid. */
function refuseTrial(
  before: AcceptedState,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Refusal | null {
  const { status, subscriptionId, periodEnd } = event.subscription
  if (status !== 'trialing') return null
  if (before.trialOf === null) return refuseUnpaying(before.subscription, event, rules)
  const trial = before.subscription
  if (trial?.status === 'trialing' && before.trialOf === subscriptionId) {
    if (periodEnd <= trial.periodEnd || accessOf(trial, event.occurredAt, rules) === 'active') return null
  }
  return {
    code: 'trial_repeated',
    reason: `${event.workspace} had its one trial (${before.trialOf}) already; ${event.subscription.subscriptionId} is refused. Sell a plan, or let support grant another`,
  }
}

/** A first trial does not take the place of what is paid and runs: what was paid stays paid (S2, S5). */
function refuseUnpaying(
  running: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Refusal | null {
  if (running === null || !hasPaidAccess(running, event.occurredAt, rules)) return null
  return {
    code: 'trial_repeated',
    reason: `${event.workspace} has paid for ${running.subscriptionId}, which runs until ${toIso(accessEndOf(running, rules))}; a trial in its place is refused. State it as it was bought, or let support grant the trial`,
  }
}

function refuseTerm(
  before: BeforeVersion,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): Refusal | null {
  const { subscription } = event
  const shortest = rules.terms[0]?.months ?? 0
  if (!statesTerm(event, before.order) || subscription.termMonths >= shortest) return null
  const reason = `a term of ${subscription.termMonths} months is below the shortest of ${shortest} (S3); sell at least ${shortest}, or send it through support`
  return { code: 'term_too_short', reason }
}

/** Whether an event sells a term: by its type, or because it pays the order of one. */
function statesTerm({ type, order }: SubscriptionEvent, known: KeptOrder | null): boolean {
  return TERM_TYPES.includes(type) || (order !== null && isOfTerm(order) && paysNow(order, known))
}
