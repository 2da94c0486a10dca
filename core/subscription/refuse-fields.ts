import { toIso } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { hasPaidAccess } from './access.ts'
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

/**
 * Applies the rules that refuse single fields (S3 for add-ons, S5, S15, L3); support lifts the transitions, which are
 * judged while paid access runs: after a lapse or a trial everything may be chosen anew.
 */
export function refuseFields(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  rules: SubscriptionRules,
): RefusedFields {
  const isJudged =
    before !== null && event.actor !== 'support' && hasPaidAccess(before, event.occurredAt, rules)
  const stated = keepAddOns(before?.addOns ?? [], event, rules)
  const units = isJudged ? keepUnits(before, { ...event, addOns: stated.kept }, rules) : asStated(stated.kept)
  const leftOut = isJudged ? keepLeftOut(before, event, rules) : asStated([])
  const subscription = { ...event.subscription, addOns: [...units.kept, ...leftOut.kept] }
  const refusals = [...stated.refusals, ...units.refusals, ...leftOut.refusals]
  if (!isJudged) return { subscription, refusals }
  const plan = refuseDowngrade(before, event, rules)
  const seats = refuseFewerSeats(before, event)
  const term = refuseShorterTerm(before, event)
  const kept = [plan, seats, term].filter((field) => field !== null)
  return {
    subscription: Object.assign({}, subscription, ...kept.map(({ fields }) => fields)),
    refusals: [...refusals, ...kept.map(({ refusal }) => refusal)],
  }
}

interface KeptField {
  readonly fields: Partial<Subscription>
  readonly refusal: Refusal
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

function refuseShorterTerm(before: AcceptedSubscription, event: SubscriptionEvent): KeptField | null {
  const { subscription } = event
  const isCanceled = subscription.status === 'canceled'
  if (subscription.periodEnd >= before.periodEnd && !isCanceled) return null
  const reason = `a bought term cannot be shortened to ${toIso(shortenedTo(event))} (S5): ${toIso(before.periodEnd)} stays; schedule a cancel, or ask support`
  const periodEnd = Math.max(subscription.periodEnd, before.periodEnd)
  const fields = isCanceled ? { periodEnd, status: before.status } : { periodEnd }
  return { fields, refusal: { code: 'term_shortened', reason } }
}

/** When the event would end what was bought: a cancel at once ends it when it happens. */
function shortenedTo({ subscription, occurredAt }: SubscriptionEvent): number {
  const { status, periodEnd } = subscription
  return status === 'canceled' ? Math.min(occurredAt, periodEnd) : periodEnd
}

interface KeptAddOns {
  readonly kept: readonly BoughtAddOn[]
  readonly refusals: readonly Refusal[]
}

function asStated(kept: readonly BoughtAddOn[]): KeptAddOns {
  return { kept, refusals: [] }
}

/** Refuses add-ons under their minimum term (S3): one accepted before keeps its end, a new one is left out. */
function keepAddOns(
  before: readonly BoughtAddOn[],
  { subscription, actor }: SubscriptionEvent,
  rules: SubscriptionRules,
): KeptAddOns {
  const judged = subscription.addOns.map((addOn) => {
    const accepted = before.find((one) => isSamePack(one, addOn)) ?? null
    const minMonths = ownValue(rules.addOns, addOn.key)?.minMonths ?? 0
    const isShort = addOn.until < addMonths(addOn.from, minMonths) && addOn.until !== accepted?.until
    if (!isShort || actor === 'support') return { kept: addOn, refusal: null }
    const stays = accepted === null ? 'it is left out' : `${toIso(accepted.until)} stays`
    const reason = `add-on ${addOn.key} must run at least ${minMonths} months from ${toIso(addOn.from)}, not until ${toIso(addOn.until)}; ${stays}`
    const kept = accepted === null ? null : { ...addOn, until: accepted.until }
    return { kept, refusal: { code: 'term_too_short', reason } as const }
  })
  return {
    kept: judged.map(({ kept }) => kept).filter((addOn) => addOn !== null),
    refusals: judged.map(({ refusal }) => refusal).filter((refusal) => refusal !== null),
  }
}

/** Packs of which fewer units are stated before their minimum term is over: the units that were bought stay. */
function keepUnits(
  before: AcceptedSubscription,
  { addOns, occurredAt }: Pick<SubscriptionEvent, 'occurredAt'> & { readonly addOns: readonly BoughtAddOn[] },
  rules: SubscriptionRules,
): KeptAddOns {
  const refusals: Refusal[] = []
  const kept = addOns.map((addOn) => {
    const { key, from, quantity } = addOn
    const accepted = before.addOns.find((one) => isSamePack(one, addOn))
    if (accepted === undefined || quantity >= accepted.quantity) return addOn
    if (!isWithinMinimum(accepted, occurredAt, rules)) return addOn
    const minMonths = ownValue(rules.addOns, key)?.minMonths ?? 0
    const reason = `add-on ${key} must run at least ${minMonths} months from ${toIso(from)} with all it was bought with; ${quantity} is fewer than ${accepted.quantity}, ${accepted.quantity} stay`
    refusals.push({ code: 'term_too_short', reason })
    return { ...addOn, quantity: accepted.quantity }
  })
  return { kept, refusals }
}

function isSamePack(one: BoughtAddOn, other: BoughtAddOn): boolean {
  return one.key === other.key && one.from === other.from
}

function isWithinMinimum({ key, from, until }: BoughtAddOn, at: number, rules: SubscriptionRules): boolean {
  return at < Math.min(until, addMonths(from, ownValue(rules.addOns, key)?.minMonths ?? 0))
}

/** Packs that were accepted and are left out before their minimum term is over: leaving them out would end them. */
function keepLeftOut(
  before: AcceptedSubscription,
  { subscription, occurredAt }: SubscriptionEvent,
  rules: SubscriptionRules,
): KeptAddOns {
  const kept = before.addOns.filter((pack) => {
    const isStated = subscription.addOns.some((addOn) => isSamePack(addOn, pack))
    return !isStated && isWithinMinimum(pack, occurredAt, rules)
  })
  const refusals = kept.map(({ key, from, until }): Refusal => {
    const minMonths = ownValue(rules.addOns, key)?.minMonths ?? 0
    const reason = `add-on ${key} must run at least ${minMonths} months from ${toIso(from)} and was left out; it stays until ${toIso(until)}`
    return { code: 'term_too_short', reason }
  })
  return { kept, refusals }
}
