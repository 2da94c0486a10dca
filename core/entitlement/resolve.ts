import { type Amount, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { LimitFormula, Plan } from '../catalogue/plan.ts'
import { DAY_MS, type Instant, startOfDay, toIso } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { accessEndOf, accessOf } from '../subscription/access.ts'
import { type BillingWindow, paidUntilOf, windowAt } from '../subscription/billing-window.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import type { TraceStep } from './decision.ts'
import type { Entitlement, LimitSource } from './entitlement.ts'
import type { Override, WorkspaceFacts } from './facts.ts'
import { isSwitchOn, limitFor, limitStatedBy } from './resolve-limit.ts'

/** Whose right to what is resolved, from what, and when. */
export interface ResolveInput {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly workspace: string
  readonly featureKey: string
  readonly now: Instant
}

/**
 * Resolves a workspace's right to a feature: plan version, seats, add-ons and override become one limit.
 *
 * Pure; counters play no part. The feature must be in the catalogue (RangeError). Source: domain.md, "plan
 * version", "override", "add-on".
 */
export function resolveEntitlement(input: ResolveInput): Entitlement {
  const { catalogue, facts, workspace, featureKey, now } = input
  const feature = ownValue(catalogue.features, featureKey)
  if (feature === undefined) throw new RangeError(`the catalogue has no feature "${featureKey}"`)
  const { subscription } = facts
  const access = accessOf(subscription, now, catalogue)
  const right = rightTo(input, { feature, access })
  const window = windowOf(feature, { subscription, access, now })
  const resetsAt = window === null || subscription === null ? null : nextWindowOf(subscription, window)
  const next = resetsAt === null ? right : rightTo({ ...input, now: resetsAt }, { feature, access })
  return {
    workspace,
    featureKey,
    feature,
    access,
    status: subscription?.status ?? 'none',
    plan: subscription?.plan ?? null,
    planVersion: right.planVersion,
    seats: subscription?.seats ?? 0,
    on: right.on,
    isOffByOverride: right.isOffByOverride ?? false,
    limit: right.limit,
    source: right.source,
    window,
    resetsAt,
    ...(resetsAt === null ? {} : { atReset: { on: next.on, limit: next.limit } }),
    currency: subscription?.currency ?? null,
    openOrderId: subscription?.openOrder?.orderId ?? null,
    resolvedAt: now,
    validUntil: validUntil(input, window),
    trace: [statusStep(subscription, access, catalogue), ...right.trace],
  }
}

interface Right {
  readonly on: boolean
  readonly isOffByOverride?: boolean
  readonly limit: Amount | null
  readonly source: LimitSource
  readonly planVersion: string | null
  readonly trace: readonly TraceStep[]
}

function rightTo(
  input: ResolveInput,
  { feature, access }: { readonly feature: Feature; readonly access: Entitlement['access'] },
): Right {
  const { catalogue, facts, now, featureKey } = input
  const { subscription } = facts
  const plan = subscription === null ? undefined : ownValue(catalogue.plans, subscription.plan)
  if (subscription === null || plan === undefined) {
    return { on: false, limit: ZERO, source: 'none', planVersion: null, trace: [] }
  }
  const moment = { now, planSince: subscription.planSince }
  const override = overrideInForce(facts.overrides, featureKey, now)
  if (feature.kind === 'switch') return switchRight({ plan, moment, featureKey, override })
  const limit = limitRight(input, { plan, subscription, override, access })
  const { requires } = feature
  if (requires === undefined) return { ...limit, on: true }
  const needed = overrideInForce(facts.overrides, requires, now)
  if (isOn(isSwitchOn(plan, requires, moment).stated, needed)) return { ...limit, on: true }
  const why = needed === null ? [] : [overrideStep(needed, requires)]
  const trace = [...limit.trace, ...why, requiresStep(feature)]
  return { ...limit, on: false, isOffByOverride: needed !== null, trace }
}

interface SwitchInput {
  readonly plan: Plan
  readonly moment: { readonly now: Instant; readonly planSince: Instant }
  readonly featureKey: string
  readonly override: Override | null
}

/** Whether a switch is on: as the plan states it, or as an override does: off with limit 0, on with anything else. */
function isOn(stated: boolean, override: Override | null): boolean {
  return override === null ? stated : override.limit !== 0
}

function switchRight({ plan, moment, featureKey, override }: SwitchInput): Right {
  const { version, stated } = isSwitchOn(plan, featureKey, moment)
  const on = isOn(stated, override)
  const planTrace: TraceStep = {
    step: 'plan',
    detail: `plan version ${version.version} has ${featureKey} ${stated ? 'on' : 'off'}`,
    data: { planVersion: version.version, on: stated },
  }
  const trace = override === null ? [planTrace] : [planTrace, overrideStep(override)]
  const source = override === null ? 'plan' : 'override'
  const isOffByOverride = !on && override !== null
  return { on, isOffByOverride, limit: null, source, planVersion: version.version, trace }
}

interface LimitInput {
  readonly access: Entitlement['access']
  readonly plan: Plan
  readonly subscription: AcceptedSubscription
  readonly override: Override | null
}

function limitRight(
  { catalogue, featureKey, now }: ResolveInput,
  { plan, subscription, override, access }: LimitInput,
): Right {
  const found = limitStatedBy(plan, featureKey, { now, planSince: subscription.planSince })
  if (found === null) return unstatedRight(override)
  const { stated: formula, version } = found
  const { seats } = subscription
  const packs = access === 'active' ? addOnsOf(catalogue, subscription, { featureKey, now }) : []
  const extra = packs.reduce((sum, { units }) => sum + units, 0)
  const planLimit = limitFor(formula, { seats, extra })
  const limit = override === null ? planLimit : override.limit
  const trace: TraceStep[] = [
    { step: 'plan', detail: `plan ${subscription.plan}, version ${version.version}`, data: { ...formula } },
    { step: 'seats', detail: `${seats} ${seats === 1 ? 'seat' : 'seats'}`, data: { seats } },
  ]
  for (const { key, quantity, units } of packs) {
    trace.push({
      step: 'add_ons',
      detail: `add-on ${key} × ${quantity} gives ${units}`,
      data: { key, quantity, units },
    })
  }
  if (override !== null) trace.push(overrideStep(override))
  trace.push({
    step: 'limit',
    detail: limitText({ formula, seats, extra, limit, override }),
    data: { limit },
  })
  const source = override === null ? 'plan' : 'override'
  return { on: true, limit, source, planVersion: version.version, trace }
}

/** Of what the plan does not state only an override can give anything. */
function unstatedRight(override: Override | null): Right {
  if (override === null) return { on: false, limit: ZERO, source: 'none', planVersion: null, trace: [] }
  const { limit } = override
  return { on: true, limit, source: 'override', planVersion: null, trace: [overrideStep(override)] }
}

interface Pack {
  readonly key: string
  readonly quantity: number
  readonly units: number
}

/** Add-ons of a feature in force now, while access holds: the whole pack while `from ≤ now < until`. */
function addOnsOf(
  catalogue: Catalogue,
  { addOns }: AcceptedSubscription,
  { featureKey, now }: { readonly featureKey: string; readonly now: Instant },
): readonly Pack[] {
  return addOns.flatMap(({ key, quantity, from, until }): Pack[] => {
    const addOn = ownValue(catalogue.addOns, key)
    if (addOn === undefined || addOn.feature !== featureKey || now < from || now >= until) return []
    return [{ key, quantity, units: addOn.perUnit * quantity }]
  })
}

function overrideInForce(
  overrides: WorkspaceFacts['overrides'],
  feature: string,
  now: Instant,
): Override | null {
  const override = ownValue(overrides, feature)
  if (override === undefined || (override.until !== null && now >= override.until)) return null
  return override
}

interface WindowInput {
  readonly subscription: AcceptedSubscription | null
  readonly access: Entitlement['access']
  readonly now: Instant
}

/** Where access goes on after the paid period, so does the counting in its last window. */
function windowOf(feature: Feature, { subscription, access, now }: WindowInput): BillingWindow | null {
  if (feature.kind !== 'flow' || subscription === null) return null
  if (access !== 'active' && feature.lapse !== 'allow') return windowAt(subscription, now)
  return windowAt(subscription, now, now)
}

/** When the next window begins; null when what is paid ends with this one. */
function nextWindowOf(subscription: AcceptedSubscription, { to }: BillingWindow): Instant | null {
  return to < paidUntilOf(subscription) ? to : null
}

/** The next instant at which time alone changes the entitlement. */
function validUntil(
  { catalogue, facts, featureKey, now }: ResolveInput,
  window: BillingWindow | null,
): Instant {
  const { subscription } = facts
  const requires = ownValue(catalogue.features, featureKey)?.requires
  const overrides = [featureKey, ...(requires === undefined ? [] : [requires])]
  const instants = overrides.flatMap((key) => ownValue(facts.overrides, key)?.until ?? [])
  if (subscription !== null) {
    const versions = ownValue(catalogue.plans, subscription.plan)?.versions ?? []
    instants.push(
      ...versions.map(({ from }) => from),
      ...subscription.addOns.flatMap((addOn) => [addOn.from, addOn.until]),
      accessEndOf(subscription, catalogue),
      subscription.periodEnd,
    )
  }
  if (window !== null) instants.push(window.to, now < window.to ? window.to : startOfDay(now) + DAY_MS)
  return Math.min(...instants.filter((instant) => instant > now), Number.POSITIVE_INFINITY)
}

function statusStep(
  subscription: AcceptedSubscription | null,
  access: Entitlement['access'],
  catalogue: Catalogue,
): TraceStep {
  if (subscription === null)
    return { step: 'status', detail: 'no subscription was ever seen', data: { access } }
  const { status } = subscription
  const end = accessEndOf(subscription, catalogue)
  const sentences = {
    active: `subscription ${status}, access until ${toIso(end)}`,
    lapsed: `lapsed: access ended ${toIso(end)}, billing says ${status}`,
    pending: `subscription ${status}, never paid so far: nothing is granted yet`,
    none: 'no subscription',
  }
  return { step: 'status', detail: sentences[access], data: { access, status, accessEnd: toIso(end) } }
}

function requiresStep({ requires }: Feature): TraceStep {
  return {
    step: 'plan',
    detail: `needs ${requires ?? ''}, which is off`,
    data: { requires: requires ?? null },
  }
}

function overrideStep({ limit, until, reason }: Override, of: string | null = null): TraceStep {
  const end = until === null ? 'until it is taken back' : `until ${toIso(until)}`
  return {
    step: 'override',
    detail: `override${of === null ? '' : ` of ${of}`}: ${limit ?? 'unlimited'} ${end} (${reason})`,
    data: { limit, until: until === null ? null : toIso(until) },
  }
}

interface LimitText {
  readonly formula: LimitFormula
  readonly seats: number
  readonly extra: number
  readonly limit: Amount | null
  readonly override: Override | null
}

function limitText({ formula, seats, extra, limit, override }: LimitText): string {
  if (limit === null) return 'unlimited'
  if (override !== null) return `limit ${limit} by override`
  const terms = [
    formula.base > 0 || formula.perSeat === 0 ? String(formula.base) : null,
    formula.perSeat > 0 ? `${formula.perSeat} × ${seats}` : null,
  ].filter((term) => term !== null)
  const packs = extra > 0 ? ` + ${extra}` : ''
  return `limit ${terms.join(' + ')}${boundText(formula, seats)}${packs} = ${limit}`
}

/** The bound that the formula was kept within, where it made a difference. */
function boundText({ base, perSeat, min, max }: LimitFormula, seats: number): string {
  const raw = base + perSeat * seats
  if (max !== null && raw > max) return ` (at most ${max})`
  return min !== null && raw < min ? ` (at least ${min})` : ''
}
