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
  const packs = pairPacks(before?.addOns ?? [], event.subscription.addOns)
  const ends = keepEnds(packs.stated, event, rules)
  const units = isJudged ? keepUnits(before, { ...event, packs: ends.kept }, rules) : asStated(ends.kept)
  const leftOut = isJudged ? keepLeftOut(before, { ...event, leftOut: packs.leftOut }, rules) : NO_ADD_ONS
  const subscription = { ...event.subscription, addOns: [...units.kept, ...leftOut.kept] }
  const refusals = [...ends.refusals, ...units.refusals, ...leftOut.refusals]
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

interface Kept<Value> {
  readonly kept: readonly Value[]
  readonly refusals: readonly Refusal[]
}

const NO_ADD_ONS: Kept<BoughtAddOn> = { kept: [], refusals: [] }

/** A pack as a version states it, and as it was accepted before; null for one that is new. */
interface StatedPack {
  readonly addOn: BoughtAddOn
  readonly accepted: BoughtAddOn | null
}

interface PairedPacks {
  readonly stated: readonly StatedPack[]
  /** Packs that were accepted before and are not stated. */
  readonly leftOut: readonly BoughtAddOn[]
}

/** Pairs each pack that is stated with one of those that were accepted under its key and `from`: the likest first. */
function pairPacks(before: readonly BoughtAddOn[], addOns: readonly BoughtAddOn[]): PairedPacks {
  const leftOut = [...before]
  const accepted = new Map<number, BoughtAddOn>()
  const endsAlike = (one: BoughtAddOn, other: BoughtAddOn): boolean => one.until === other.until
  const isAlike = (one: BoughtAddOn, other: BoughtAddOn): boolean =>
    endsAlike(one, other) && one.quantity === other.quantity
  for (const isLike of [isAlike, endsAlike, isSamePack]) {
    for (const [index, addOn] of addOns.entries()) {
      if (accepted.has(index)) continue
      const place = leftOut.findIndex((one) => isSamePack(one, addOn) && isLike(one, addOn))
      for (const one of place === -1 ? [] : leftOut.splice(place, 1)) accepted.set(index, one)
    }
  }
  return { stated: addOns.map((addOn, index) => ({ addOn, accepted: accepted.get(index) ?? null })), leftOut }
}

function isSamePack(one: BoughtAddOn, other: BoughtAddOn): boolean {
  return one.key === other.key && one.from === other.from
}

function asStated(packs: readonly StatedPack[]): Kept<BoughtAddOn> {
  return { kept: packs.map(({ addOn }) => addOn), refusals: [] }
}

/** Refuses add-ons under their minimum term (S3): one accepted before keeps its end, a new one is left out. */
function keepEnds(
  packs: readonly StatedPack[],
  { actor }: SubscriptionEvent,
  rules: SubscriptionRules,
): Kept<StatedPack> {
  const refusals: Refusal[] = []
  const kept = packs.flatMap((pack): StatedPack[] => {
    const { addOn, accepted } = pack
    const minMonths = ownValue(rules.addOns, addOn.key)?.minMonths ?? 0
    const isShort = addOn.until < addMonths(addOn.from, minMonths) && addOn.until !== accepted?.until
    if (!isShort || actor === 'support') return [pack]
    const stays = accepted === null ? 'it is left out' : `${toIso(accepted.until)} stays`
    const reason = `add-on ${addOn.key} must run at least ${minMonths} months from ${toIso(addOn.from)}, not until ${toIso(addOn.until)}; ${stays}`
    refusals.push({ code: 'term_too_short', reason })
    return accepted === null ? [] : [{ accepted, addOn: { ...addOn, until: accepted.until } }]
  })
  return { kept, refusals }
}

/** Packs of which fewer units are stated before their minimum term is over: the units that were bought stay. */
function keepUnits(
  before: AcceptedSubscription,
  { packs, occurredAt }: Pick<SubscriptionEvent, 'occurredAt'> & { readonly packs: readonly StatedPack[] },
  rules: SubscriptionRules,
): Kept<BoughtAddOn> {
  const stated = packs.map(({ addOn }) => addOn)
  const refusals: Refusal[] = []
  const kept = packs.map(({ addOn, accepted }) => {
    const { key, from, quantity } = addOn
    if (accepted === null || quantity >= accepted.quantity) return addOn
    if (
      !isWithinMinimum(accepted, occurredAt, rules) ||
      unitsOf(addOn, stated) >= unitsOf(addOn, before.addOns)
    )
      return addOn
    const minMonths = ownValue(rules.addOns, key)?.minMonths ?? 0
    const reason = `add-on ${key} must run at least ${minMonths} months from ${toIso(from)} with all it was bought with; ${quantity} is fewer than ${accepted.quantity}, ${accepted.quantity} stay`
    refusals.push({ code: 'term_too_short', reason })
    return { ...addOn, quantity: accepted.quantity }
  })
  return { kept, refusals }
}

/** Units of a pack, however many entries they stand in. */
function unitsOf(pack: BoughtAddOn, addOns: readonly BoughtAddOn[]): number {
  return addOns.filter((one) => isSamePack(one, pack)).reduce((sum, { quantity }) => sum + quantity, 0)
}

function isWithinMinimum({ key, from, until }: BoughtAddOn, at: number, rules: SubscriptionRules): boolean {
  return at < Math.min(until, addMonths(from, ownValue(rules.addOns, key)?.minMonths ?? 0))
}

/** Packs that were accepted and are left out before their minimum term is over: leaving them out would end them. */
function keepLeftOut(
  before: AcceptedSubscription,
  event: Pick<SubscriptionEvent, 'occurredAt' | 'subscription'> & {
    readonly leftOut: readonly BoughtAddOn[]
  },
  rules: SubscriptionRules,
): Kept<BoughtAddOn> {
  const { subscription, occurredAt, leftOut } = event
  const kept = leftOut.filter((pack) => {
    const isFewer = unitsOf(pack, subscription.addOns) < unitsOf(pack, before.addOns)
    return isFewer && isWithinMinimum(pack, occurredAt, rules)
  })
  const refusals = kept.map(({ key, from, until }): Refusal => {
    const minMonths = ownValue(rules.addOns, key)?.minMonths ?? 0
    const reason = `add-on ${key} must run at least ${minMonths} months from ${toIso(from)} and was left out; it stays until ${toIso(until)}`
    return { code: 'term_too_short', reason }
  })
  return { kept, refusals }
}
