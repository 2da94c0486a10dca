import { toIso } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { accessOf } from './access.ts'
import { addMonths } from './add-months.ts'
import type { SubscriptionRules } from './fold.ts'
import type {
  AcceptedSubscription,
  BoughtAddOn,
  Refusal,
  Subscription,
  SubscriptionEvent,
} from './subscription.ts'

/** The subscription that an event leaves in force, and the fields of it that were refused. */
export interface RefusedFields {
  readonly subscription: Subscription
  readonly refusals: readonly Refusal[]
}

/** Applies the rules that refuse single fields (S3 for add-ons, S5, S15, L3); support lifts the transitions. */
export function refuseFields(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): RefusedFields {
  const addOns = keepAddOns(event, rules)
  const subscription = { ...event.subscription, addOns: addOns.kept }
  const isJudged = before !== null && event.actor !== 'support' && hasPaidAccess(before, event, rules)
  if (!isJudged) return { subscription, refusals: addOns.refusals }
  const plan = refuseDowngrade(before, event, rules)
  const seats = refuseFewerSeats(before, event)
  const term = refuseShorterTerm(before, event)
  const kept = [plan, seats, term].filter((field) => field !== null)
  return {
    subscription: Object.assign({}, subscription, ...kept.map(({ fields }) => fields)),
    refusals: [...addOns.refusals, ...kept.map(({ refusal }) => refusal)],
  }
}

interface KeptField {
  readonly fields: Partial<Subscription>
  readonly refusal: Refusal
}

/** Transitions are judged while paid access runs; after a lapse or a trial everything may be chosen anew. */
function hasPaidAccess(
  before: AcceptedSubscription,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): boolean {
  return before.status !== 'trialing' && accessOf(before, event.occurredAt, rules) === 'active'
}

function refuseDowngrade(
  before: AcceptedSubscription,
  { subscription }: SubscriptionEvent,
  rules: SubscriptionRules,
): KeptField | null {
  const from = ownValue(rules.plans, before.plan)?.rank ?? 0
  const to = ownValue(rules.plans, subscription.plan)?.rank ?? 0
  if (to >= from) return null
  const reason = `plan ${subscription.plan} is below ${before.plan}; only support can downgrade (S15). ${before.plan} stays`
  return {
    fields: { plan: before.plan, planSince: before.planSince },
    refusal: { code: 'downgrade_needs_support', reason },
  }
}

function refuseFewerSeats(before: AcceptedSubscription, event: SubscriptionEvent): KeptField | null {
  const { seats } = event.subscription
  if (seats >= before.seats || event.type === 'renewed') return null
  const reason = `${seats} seats are fewer than ${before.seats}; take seats off with a renewal, or through support. ${before.seats} stay`
  return { fields: { seats: before.seats }, refusal: { code: 'seats_need_support', reason } }
}

function refuseShorterTerm(
  before: AcceptedSubscription,
  { subscription }: SubscriptionEvent,
): KeptField | null {
  const isCanceled = subscription.status === 'canceled'
  if (subscription.periodEnd >= before.periodEnd && !isCanceled) return null
  const reason = `a bought term cannot be shortened (S5): ${toIso(before.periodEnd)} stays; schedule a cancel, or ask support`
  const periodEnd = Math.max(subscription.periodEnd, before.periodEnd)
  const fields = isCanceled ? { periodEnd, status: before.status } : { periodEnd }
  return { fields, refusal: { code: 'term_shortened', reason } }
}

/** Drops add-ons that were bought for less than their minimum term. */
function keepAddOns(
  { subscription, actor }: SubscriptionEvent,
  rules: SubscriptionRules,
): { readonly kept: readonly BoughtAddOn[]; readonly refusals: readonly Refusal[] } {
  const isTooShort = ({ key, from, until }: BoughtAddOn): boolean =>
    actor !== 'support' && until < addMonths(from, ownValue(rules.addOns, key)?.minMonths ?? 0)
  const refusals = subscription.addOns.filter(isTooShort).map((addOn): Refusal => {
    const minMonths = ownValue(rules.addOns, addOn.key)?.minMonths ?? 0
    const reason = `add-on ${addOn.key} must run at least ${minMonths} months, not until ${toIso(addOn.until)}; it is left out`
    return { code: 'term_too_short', reason }
  })
  return { kept: subscription.addOns.filter((addOn) => !isTooShort(addOn)), refusals }
}
