import { type Amount, clampAmount, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { LimitFormula, Plan } from '../catalogue/plan.ts'
import { type Prices, pricesAt, seatPriceAt } from '../catalogue/price.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import type { FeatureUsage } from '../usage/feature-usage.ts'
import type { DeniedReason, Unblock } from './decision.ts'
import type { Entitlement } from './entitlement.ts'
import { isSwitchOn, limitFor, limitStatedBy } from './resolve-limit.ts'

/** A denial, with what is needed to find a way out of it. */
export interface Denial {
  readonly reason: DeniedReason
  readonly catalogue: Catalogue
  readonly entitlement: Entitlement
  readonly usage: FeatureUsage
  /** Units asked for, all items of the feature together. */
  readonly quantity: Amount
  readonly now: Instant
}

/** Prices are compared in this one where nothing says what the workspace pays in. */
const CURRENCY = 'USD'

/** What would turn a denial into an allow, least effort first. */
export function unblockOf(denial: Denial): readonly Unblock[] {
  switch (denial.reason) {
    case 'limit_reached':
      return limitUnblocks(denial)
    case 'feature_not_in_plan':
      return orSupport(denial.entitlement.isOffByOverride ? [] : upgrades(denial))
    case 'subscription_lapsed':
    case 'payment_pending':
    case 'no_subscription':
    case 'read_only':
      return [payment(denial.entitlement), { action: 'contact_support' }]
    case 'degraded_deny':
    case 'rebuilding':
      return []
  }
}

function payment({ openOrderId }: Entitlement): Unblock {
  return openOrderId === null ? { action: 'pay' } : { action: 'pay', orderId: openOrderId }
}

/** After a lapse nothing is added to what was bought before: packs count only with access, and paying begins a new window. */
function limitUnblocks(denial: Denial): readonly Unblock[] {
  const { entitlement, usage, quantity } = denial
  const bought =
    entitlement.source === 'plan' ? [...seats(denial), ...addOns(denial), ...upgrades(denial)] : []
  const limit = entitlement.limit ?? 0
  const over = usage.used + usage.held + quantity - limit
  const isRemovable = entitlement.feature.kind === 'stock' && over > 0 && over <= usage.used
  const removed = isRemovable ? [{ action: 'remove', quantity: over } as const] : []
  if (entitlement.access !== 'active')
    return [payment(entitlement), ...removed, { action: 'contact_support' }]
  return orSupport([...bought, ...waits(denial), ...removed])
}

function orSupport(ways: readonly Unblock[]): readonly Unblock[] {
  return ways.length > 0 ? ways : [{ action: 'contact_support' }]
}

function neededBy({ usage, quantity }: Denial): Amount {
  return clampAmount(usage.used + usage.held + quantity)
}

interface Formula {
  readonly formula: LimitFormula
  /** Units of packs that run beside it. */
  readonly extra: number
}

/** What the limit in force was made from; null where no plan's formula with a limit made it. */
function formulaOf({ catalogue, entitlement }: Denial): Formula | null {
  const { limit, source, seats, planVersion, featureKey } = entitlement
  const version = planOf(catalogue, entitlement)?.versions.find((one) => one.version === planVersion)
  const formula = ownValue(version?.limits, featureKey)
  if (formula === undefined || limit === null || source !== 'plan') return null
  return { formula, extra: limit - (limitFor(formula, { seats, extra: 0 }) ?? limit) }
}

/** The fewest more seats that make the limit large enough. A trial has no seats to buy. */
function seats(denial: Denial): readonly Unblock[] {
  const { entitlement } = denial
  const made = formulaOf(denial)
  if (made === null || entitlement.status === 'trialing' || made.formula.perSeat === 0) return []
  const { formula, extra } = made
  const needed = neededBy(denial)
  const all = Math.ceil((needed - extra - formula.base) / formula.perSeat)
  const reached = limitFor(formula, { seats: all, extra })
  if (reached !== null && reached < needed) return []
  return [{ action: 'add_seats', seats: all - entitlement.seats }]
}

/** The fewest packs of an add-on that make the limit large enough. */
function addOns(denial: Denial): readonly Unblock[] {
  const { catalogue, entitlement } = denial
  if (entitlement.status === 'trialing' || entitlement.limit === null) return []
  const missing = neededBy(denial) - entitlement.limit
  return Object.entries(catalogue.addOns)
    .filter(([, addOn]) => addOn.feature === entitlement.featureKey && addOn.perUnit > 0)
    .filter(([, { prices }]) => isSoldIn(prices, denial))
    .map(([addOn, { perUnit }]) => ({ action: 'add_on', addOn, quantity: Math.ceil(missing / perUnit) }))
}

/** The cheapest higher plan under which the request would fit, with the seats and packs there are. */
function upgrades(denial: Denial): readonly Unblock[] {
  const { catalogue, entitlement } = denial
  const rank = planOf(catalogue, entitlement)?.rank ?? -1
  const fitting = Object.entries(catalogue.plans)
    .filter(([key, plan]) => plan.rank > rank && key !== catalogue.trial.plan && wouldFit(plan, denial))
    .filter(([, plan]) => isSoldIn(pricesAt(plan, denial.now), denial))
    .map(([key, plan]) => ({ key, rank: plan.rank, price: priceOf(plan, denial) }))
    .sort((a, b) => a.price - b.price || a.rank - b.rank)
  const cheapest = fitting[0]
  return cheapest === undefined ? [] : [{ action: 'upgrade', plan: cheapest.key }]
}

function wouldFit(plan: Plan, denial: Denial): boolean {
  const { entitlement, now } = denial
  const { feature, featureKey } = entitlement
  const moment = { now, planSince: now }
  if (feature.kind === 'switch') return isSwitchOn(plan, featureKey, moment).stated
  if (feature.requires !== undefined && !isSwitchOn(plan, feature.requires, moment).stated) return false
  const limit = limitWith(plan, denial)
  return limit === null || limit >= neededWithPlan(denial)
}

/** The limit there would be on a plan, with the seats and packs there are: an override of the feature stays what it is. */
function limitWith(plan: Plan, denial: Denial): Amount | null {
  const { entitlement, now } = denial
  const { featureKey, seats, source } = entitlement
  if (source === 'override') return entitlement.limit
  const formula = limitStatedBy(plan, featureKey, { now, planSince: now })?.stated
  return formula === undefined ? ZERO : limitFor(formula, { seats, extra: formulaOf(denial)?.extra ?? 0 })
}

/** Leaving a trial begins a new window, in which nothing is used yet; other changes of plan do not. */
function neededWithPlan(denial: Denial): Amount {
  const { feature, status } = denial.entitlement
  return feature.kind === 'flow' && status === 'trialing' ? denial.quantity : neededBy(denial)
}

function priceOf(plan: Plan, { entitlement, now }: Denial): number {
  const price = seatPriceAt(plan, { currency: entitlement.currency ?? CURRENCY, at: now })
  return price ?? Number.POSITIVE_INFINITY
}

/** Whether something may be named as a way out: what has prices has one in the currency that the workspace pays in. */
function isSoldIn(prices: Prices | null, { entitlement }: Denial): boolean {
  return prices === null || Object.hasOwn(prices, entitlement.currency ?? CURRENCY)
}

/** The next window, where the request fits into the whole allowance that there is then. */
function waits({ entitlement, quantity }: Denial): readonly Unblock[] {
  const { resetsAt, atReset } = entitlement
  if (resetsAt === null || atReset?.on !== true) return []
  const isEnough = atReset.limit === null || quantity <= atReset.limit
  return isEnough ? [{ action: 'wait_until', at: resetsAt }] : []
}

function planOf(catalogue: Catalogue, { plan }: Entitlement): Plan | null {
  return plan === null ? null : (ownValue(catalogue.plans, plan) ?? null)
}
