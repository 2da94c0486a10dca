import { type Amount, clampAmount, minus, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { lapseAllows } from '../catalogue/feature.ts'
import { HOUR_MS, type Instant, toIso } from '../instant.ts'
import type { FeatureUsage } from '../usage/feature-usage.ts'
import type { AllowedReason, DeniedReason, OverLimit, Request, TraceStep, Verdict } from './decision.ts'
import type { Entitlement } from './entitlement.ts'
import type { Crossing } from './facts.ts'
import { unblockOf } from './unblock.ts'

/** One request with what is known of it. */
export interface DecideItem {
  readonly request: Request
  readonly entitlement: Entitlement
  readonly usage: FeatureUsage
  /** Since when counted use has been at or over the limit, as the judge stored it. */
  readonly crossing: Crossing | null
}

/** Requests of one workspace, to be decided at one instant. */
export interface DecideInput {
  readonly catalogue: Catalogue
  readonly now: Instant
  readonly items: readonly DecideItem[]
}

/** Verdicts in the order of the requests; `allowed` when all of them fit together. */
export interface Verdicts {
  readonly allowed: boolean
  readonly decisions: readonly Verdict[]
}

/**
 * Decides requests together: what an allowed item adds counts for the later items of its feature.
 *
 * Pure: the same facts, counters and instant always give the same verdicts. A denial is a value (ADR 0002). A
 * feature in shadow mode is decided like any other and then allowed; reason and ways out stay those of the denial.
 */
export function decideTogether({ catalogue, now, items }: DecideInput): Verdicts {
  const added = new Map<string, Amount>()
  const joined = new Set<string>()
  const decisions = items.map((item): Verdict => {
    const { request } = item
    const before = added.get(request.feature) ?? ZERO
    const asked = unitsAsked(item, joined)
    const verdict = decide({ ...item, catalogue, now, units: clampAmount(before + asked) })
    if (verdict.allowed) {
      added.set(request.feature, clampAmount(before + asked))
      if (request.intent === 'add' && request.subject !== undefined) joined.add(nameOf(request))
    }
    return verdict
  })
  return { allowed: decisions.every(({ allowed }) => allowed), decisions }
}

/** Units a request adds: none when its subject is a member already, is held, or was allowed by an item before. */
function unitsAsked({ request, usage }: DecideItem, joined: ReadonlySet<string>): Amount {
  if (request.intent !== 'add' || usage.subjectIsMember || usage.subjectIsHeld) return ZERO
  if (request.subject === undefined) return request.quantity
  return joined.has(nameOf(request)) ? ZERO : request.quantity
}

/** What a request would make a member of. */
function nameOf({ feature, meter = '', subject }: Request): string {
  return `${feature} ${meter} ${subject}`
}

interface DecideOne extends DecideItem {
  readonly catalogue: Catalogue
  readonly now: Instant
  /** Units that must fit: of this request and of the items of its feature before it. */
  readonly units: Amount
}

interface Allowance {
  readonly allowed: true
  readonly reason: AllowedReason
  readonly why: string
  readonly overLimit: OverLimit | null
}

interface Refusal {
  readonly allowed: false
  readonly reason: DeniedReason
  readonly why: string
  readonly overLimit: OverLimit | null
}

type Outcome = Allowance | Refusal

function decide(input: DecideOne): Verdict {
  const { request, entitlement, usage, catalogue, now, units } = input
  const outcome = judge(input)
  const { limit, window, feature } = entitlement
  const allowed = outcome.allowed || feature.mode === 'shadow'
  const isUnlimited = feature.kind !== 'switch' && entitlement.source !== 'none' && limit === null
  const isLimited = limit !== null && entitlement.source !== 'none'
  return {
    allowed,
    reason: outcome.reason,
    workspace: entitlement.workspace,
    feature: entitlement.featureKey,
    quantity: request.quantity,
    limit: isLimited ? limit : null,
    used: usage.used,
    held: usage.held,
    remaining: isLimited ? minus(minus(limit, usage.used), usage.held) : null,
    unlimited: isUnlimited,
    window: window === null ? null : { from: window.from, to: window.to },
    resetsAt: entitlement.resetsAt,
    plan: entitlement.plan,
    planVersion: entitlement.planVersion,
    status: entitlement.status,
    overLimit: outcome.overLimit,
    unblock: outcome.allowed
      ? []
      : unblockOf({ reason: outcome.reason, catalogue, entitlement, usage, quantity: units, now }),
    trace: [
      ...entitlement.trace,
      ...counterTrace(entitlement, usage),
      verdictStep(outcome, { entitlement, allowed }),
    ],
  }
}

function judge(input: DecideOne): Outcome {
  const { entitlement, request } = input
  const { access, feature, featureKey } = entitlement
  if (access === 'none') return deny('no_subscription', 'there is no subscription to draw a right from')
  if (access === 'pending') return deny('payment_pending', 'the first payment has not arrived yet')
  if (access === 'lapsed' && !lapseAllows(feature.lapse, request.intent)) return lapsed(input)
  const offBy = entitlement.isOffByOverride ? 'an override' : 'the plan'
  if (feature.kind === 'switch') {
    return entitlement.on
      ? allow('feature_on', `${featureKey} is on`)
      : deny('feature_not_in_plan', `${offBy} has ${featureKey} off`)
  }
  if (entitlement.source === 'none') {
    return deny('feature_not_in_plan', `the plan says nothing of ${featureKey}`)
  }
  if (request.intent !== 'add') return keep(input)
  if (!entitlement.on) {
    return deny(
      'feature_not_in_plan',
      `${featureKey} needs ${feature.requires ?? ''}, which ${offBy} has off`,
    )
  }
  return add(input)
}

/** Reading and using what exists is never compared with limits. */
function keep({ entitlement, request, usage, crossing, now }: DecideOne): Outcome {
  const reason = entitlement.limit === null ? 'unlimited' : 'within_limit'
  const overLimit = overLimitOf(entitlement, usage, crossing)
  return {
    ...allow(reason, `to ${request.intent} needs no room`),
    overLimit: isInGrace(overLimit, now) ? overLimit : null,
  }
}

function lapsed({ entitlement, request }: DecideOne): Outcome {
  const { feature, openOrderId } = entitlement
  const since = openOrderId === null ? '' : ` and order ${openOrderId} is not paid yet`
  const why = `the subscription has lapsed${since}; lapse mode ${feature.lapse} leaves no right to ${request.intent}`
  if (feature.lapse === 'read_only') return deny('read_only', why)
  return deny(openOrderId === null ? 'subscription_lapsed' : 'payment_pending', why)
}

function add(input: DecideOne): Outcome {
  const { entitlement, usage, crossing, units, now } = input
  const { limit, feature } = entitlement
  if (limit === null) return allow('unlimited', 'there is no limit')
  if (usage.subjectIsMember) return allow('within_limit', 'already one of the members: costs nothing')
  const overLimit = overLimitOf(entitlement, usage, crossing)
  const wanted = usage.used + usage.held + units
  if (units === 0 || wanted <= limit) {
    return { ...allow('within_limit', `${wanted} ≤ ${limit}`), overLimit }
  }
  if (feature.graceHours === 0 || limit === 0) return deny('limit_reached', `${wanted} > ${limit}`)
  const grace = overLimit ?? { since: null, graceEndsAt: null }
  if (isInGrace(grace, now)) {
    const end =
      grace.graceEndsAt === null ? `${feature.graceHours} h from the crossing` : toIso(grace.graceEndsAt)
    return { ...allow('over_limit_grace', `${wanted} > ${limit}, tolerated until ${end}`), overLimit: grace }
  }
  return { ...deny('limit_reached', `${wanted} > ${limit}, and the grace has ended`), overLimit: grace }
}

/**
 * Since when use has been at the limit of a feature with grace, and until when that is tolerated.
 *
 * A stored crossing stands until use falls below the re-arming share of the limit; one that nobody stored yet
 * has `since` null (counting.md, "hold, settle, sweep"). Null below the limit, and for hard limits (L1, L2).
 */
function overLimitOf(
  { feature, limit }: Entitlement,
  { used }: FeatureUsage,
  crossing: Crossing | null,
): OverLimit | null {
  if (limit === null || feature.graceHours === 0 || used * 100 < limit * feature.rearmBelowPercent)
    return null
  if (crossing === null) return used >= limit ? { since: null, graceEndsAt: null } : null
  return { since: crossing.since, graceEndsAt: crossing.since + feature.graceHours * HOUR_MS }
}

function isInGrace(overLimit: OverLimit | null, now: Instant): boolean {
  return overLimit !== null && (overLimit.graceEndsAt === null || now < overLimit.graceEndsAt)
}

function allow(reason: AllowedReason, why: string): Allowance {
  return { reason, allowed: true, why, overLimit: null }
}

function deny(reason: DeniedReason, why: string): Refusal {
  return { reason, allowed: false, why, overLimit: null }
}

function counterTrace({ feature, window }: Entitlement, { used, held }: FeatureUsage): readonly TraceStep[] {
  if (feature.kind === 'switch') return []
  const since = window === null ? '' : ` since ${toIso(window.from)}`
  const holds = held > 0 ? `, ${held} held` : ''
  return [{ step: 'counter', detail: `used ${used}${since}${holds}`, data: { used, held } }]
}

function verdictStep(
  { allowed: fits, reason, why }: Outcome,
  { entitlement, allowed }: { readonly entitlement: Entitlement; readonly allowed: boolean },
): TraceStep {
  const isShadow = allowed && !fits
  const word = isShadow ? 'allowed in shadow mode, would be denied' : allowed ? 'allowed' : 'denied'
  const offBy = reason === 'feature_not_in_plan' && entitlement.isOffByOverride ? { offBy: 'override' } : {}
  return { step: 'verdict', detail: `${word}: ${why}`, data: { allowed, reason, ...offBy } }
}
