import { type Amount, clampAmount, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Feature, Intent } from '../catalogue/feature.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Accuracy, Decision, Request, Verdict } from '../entitlement/decision.ts'
import { decideDegraded } from '../entitlement/degraded.ts'
import { crossingOf } from '../entitlement/facts.ts'
import { TallygateError } from '../errors.ts'
import { ownValue } from '../own-value.ts'
import type { CounterReading } from '../ports.ts'
import { aggregationOf, resourceOf, usageOf } from '../usage/feature-reading.ts'
import { byNewestCatalogue } from './by-newest-catalogue.ts'
import type { NearChecks, NearDecision, NearQuestion } from './near-checks.ts'
import { type ReadDeps, readWorkspace, type WantedFeature, type WorkspaceReading } from './read-workspace.ts'

/** Remembers verdicts of a workspace's feature, for `onUnavailable: last_known`. */
export interface LastKnown {
  /** The last one that says whether that may be done; null when none does. */
  get(workspace: string, feature: string, intent: Intent): Verdict | null
  set(verdict: Verdict, intent: Intent): void
}

/** What a check needs. */
export interface CheckDeps extends ReadDeps {
  readonly lastKnown: LastKnown
  /** Readings that still stand; absent where each check asks Redis. */
  readonly near?: NearChecks
}

/** Several requests of one workspace, decided together. */
export interface CheckInput {
  readonly workspace: string
  readonly items: readonly Request[]
}

/** `allowed` = all fit together; items of one feature add up. */
export interface CheckResult {
  readonly allowed: boolean
  readonly decisions: readonly Decision[]
}

/**
 * Decides requests without changing anything.
 *
 * Throws `unknown_feature` for a feature that the catalogue does not have, `invalid_request` for a meter or subject that
 * does not fit the feature, and `unavailable` where the newest catalogue, which may have them, cannot be read. Counters that cannot be had are not an error: each feature's
 * `onUnavailable` decides, marked `degraded`.
 */
export async function checkItems(deps: CheckDeps, { workspace, items }: CheckInput): Promise<CheckResult> {
  await byNewestCatalogue(deps.catalogue, (catalogue) => {
    for (const item of items) requireFits(catalogue, item)
  })
  const known = await readWorkspace(deps, { workspace, features: (catalogue) => wantedBy(items, catalogue) })
  if (!known.known) return degraded(deps, { workspace, items, known })
  const { catalogue, entitlements, facts, reading } = known
  const verdicts = decideTogether({
    catalogue,
    now: reading.now,
    items: items.map((request, index) => {
      const entitlement = entitlements[index]
      if (entitlement === undefined) throw new RangeError(`no entitlement for ${request.feature}`)
      const usage = usageOf({ entitlement, ...resourceOf(request) }, reading, catalogue)
      const crossing = crossingOf(facts, request.feature, entitlement.feature)
      return { request, entitlement, usage, crossing }
    }),
  })
  for (const [index, verdict] of verdicts.decisions.entries())
    deps.lastKnown.set(verdict, items[index]?.intent ?? 'add')
  const [request] = items
  const [entitlement] = entitlements
  if (items.length === 1 && request !== undefined && entitlement !== undefined)
    deps.near?.keep({ workspace, request, reading, facts, catalogue, entitlement })
  const accuracy = accuracyOf(reading)
  return {
    allowed: verdicts.allowed,
    decisions: verdicts.decisions.map((verdict) => ({ ...verdict, ...accuracy })),
  }
}

/** A catalogue that came meanwhile may have lost a feature. Throws `unknown_feature`. */
function wantedBy(items: readonly Request[], catalogue: Catalogue): readonly WantedFeature[] {
  for (const { feature } of items) requireFeature(catalogue, feature)
  return items.map((item) => ({ feature: item.feature, ...resourceOf(item) }))
}

/** Decides one request as `checkItems` does. */
export async function checkOne(deps: CheckDeps, { workspace, request }: NearQuestion): Promise<Decision> {
  const [decision] = (await checkItems(deps, { workspace, items: [request] })).decisions
  if (decision === undefined) throw new RangeError('a check has one decision')
  return decision
}

/**
 * Decides one request at once, from a reading that still stands; null when `checkItems` must be asked.
 *
 * Throws `invalid_request` and `unknown_feature` as that does.
 */
export function checkNear(deps: CheckDeps, question: NearQuestion): NearDecision | null {
  const near = deps.near?.find(deps, question) ?? null
  if (near === null) return null
  if (question.request.meter !== undefined) requireFits(deps.catalogue.remembered(), question.request)
  if (near.isNew) deps.lastKnown.set(near.verdict, question.request.intent)
  return near
}

/** How far a reading can be trusted, as an answer states it. */
export function accuracyOf({ asOf, lagMs, exact }: CounterReading): Accuracy {
  return { asOf, lagMs, exact, degraded: false }
}

/** The feature of a request. Throws `unknown_feature`, naming the known ones. */
export function requireFeature(catalogue: Catalogue, featureKey: string): Feature {
  const feature = ownValue(catalogue.features, featureKey)
  if (feature !== undefined) return feature
  const known = Object.keys(catalogue.features)
  throw new TallygateError(
    'unknown_feature',
    `there is no feature "${featureKey}"; known are ${known.join(', ')}`,
    {
      known,
    },
  )
}

/** Refuses a meter or a subject that does not fit the feature. Throws `unknown_feature` and `invalid_request`. */
export function requireFits(catalogue: Catalogue, { feature: featureKey, meter, subject }: Request): void {
  const feature = requireFeature(catalogue, featureKey)
  if (meter !== undefined && !feature.meters.includes(meter)) {
    const message = `meter "${meter}" does not belong to ${featureKey}; its meters are ${feature.meters.join(', ') || 'none'}`
    throw new TallygateError('invalid_request', message, { field: 'meter' })
  }
  if (subject === undefined) return
  const meters = meter === undefined ? feature.meters : [meter]
  if (meters.some((name) => aggregationOf(catalogue, name) === 'distinct')) return
  const message = `${meter ?? featureKey} does not count distinct resources; leave subject out`
  throw new TallygateError('invalid_request', message, { field: 'subject' })
}

interface DegradedInput extends CheckInput {
  readonly known: WorkspaceReading & { readonly known: false }
}

function degraded(deps: CheckDeps, { workspace, items, known }: DegradedInput): CheckResult {
  const added = new Map<string, Amount>()
  const decisions = items.map((request): Decision => {
    const feature = requireFeature(known.catalogue, request.feature)
    const before = added.get(request.feature) ?? ZERO
    const lastKnown = deps.lastKnown.get(workspace, request.feature, request.intent)
    const verdict = decideDegraded({
      workspace,
      feature,
      featureKey: request.feature,
      request,
      cause: known.cause,
      lastKnown,
      before,
    })
    if (verdict.allowed && request.intent === 'add')
      added.set(request.feature, clampAmount(before + request.quantity))
    return { ...verdict, asOf: null, lagMs: null, exact: false, degraded: true }
  })
  return { allowed: decisions.every(({ allowed }) => allowed), decisions }
}
