import type { Catalogue } from '../catalogue/catalogue.ts'
import { admissionOf } from '../entitlement/admission.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import { type Crossing, crossingOf, type WorkspaceFacts } from '../entitlement/facts.ts'
import { type Grounds, keepGrounds } from '../entitlement/kept-decision.ts'
import { rememberedEntitlement } from '../entitlement/remembered-entitlement.ts'
import { TallygateError } from '../errors.ts'
import { dayOf, type Instant } from '../instant.ts'
import { type BillingWindow, windowHolding } from '../subscription/billing-window.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { aggregationOf } from '../usage/feature-reading.ts'
import type { HoldBasis, HoldGroup, HoldOutcome, HoldReading, HoldWish } from '../usage/hold.ts'
import type { AdmitDeps, AdmitInput } from './admit-units.ts'
import { requireFeature } from './check.ts'
import type { PlannedItem } from './plan-items.ts'
import { NO_FACTS } from './read-workspace.ts'

/** What a hold came to with what it was resolved from, or why nothing could be held. */
export type PlacedHold =
  | {
      readonly known: true
      readonly outcome: Exclude<HoldOutcome['outcome'], 'rebuilding' | 'stale'>
      readonly reading: HoldReading
      readonly catalogue: Catalogue
      readonly facts: WorkspaceFacts
      /** In the order in which features are first named. */
      readonly grounds: readonly Grounds[]
    }
  | { readonly known: false; readonly cause: 'unavailable' | 'rebuilding' }

/** A plan, a new catalogue and the turn of a window can each cost one more call; more means trouble. */
const CALLS_MAX = 6
/** Facts of a workspace without any have this revision; Redis then names none. */
const NOTHING_STORED = '0.0.0'

/**
 * Asks for a hold, with limits resolved from facts and catalogue in force: one round trip when what the process
 * remembers is still right, and as many as it takes when it is not.
 */
export async function placeHold(
  deps: AdmitDeps,
  input: AdmitInput,
  items: readonly PlannedItem[],
): Promise<PlacedHold> {
  const { workspace } = input
  const features = featuresOf(items)
  let catalogue = deps.catalogue.remembered()
  let now = deps.holds.now()
  try {
    let revision = (deps.facts.remembered(workspace) ?? NO_FACTS).revision
    for (let call = 0; call < CALLS_MAX; call += 1) {
      const facts =
        deps.facts.current(workspace, revision) ?? (await deps.inTime(deps.facts.load(workspace, revision)))
      const { grounds, limits, from, until } = resolveAll(
        { catalogue, facts, workspace, now, occurredAt: input.occurredAt },
        features,
      )
      const factsRevision = call === 0 ? named(facts.revision) : revision
      const basis = { from, until, factsRevision, catalogueRevision: catalogue.revision }
      const reply = await deps.holds.hold(wishOf(input, items, { features, grounds, limits }), basis)
      if (reply.outcome === 'rebuilding') return { known: false, cause: 'rebuilding' }
      const { outcome, reading } = reply
      if (outcome !== 'stale') return { known: true, outcome, reading, catalogue, facts, grounds }
      revision = reading.factsRevision
      if (reading.catalogueRevision > catalogue.revision)
        catalogue = await deps.inTime(deps.catalogue.load(reading.catalogueRevision))
      for (const feature of features) requireFeature(catalogue, feature)
      now = reading.now
    }
  } catch (error) {
    if (!(error instanceof TallygateError) || error.code !== 'unavailable') throw error
  }
  return { known: false, cause: 'unavailable' }
}

function named(revision: string): string {
  return revision === NOTHING_STORED ? '' : revision
}

/** Features in the order in which they are first named. */
export function featuresOf(items: readonly PlannedItem[]): readonly string[] {
  return [...new Set(items.map(({ feature }) => feature))]
}

interface Resolved {
  readonly grounds: readonly Grounds[]
  readonly limits: readonly Limit[]
}

function wishOf(
  { workspace, operation, fingerprint, occurredAt, state, dueMs, partial }: AdmitInput,
  items: readonly PlannedItem[],
  { features, grounds, limits }: Resolved & { readonly features: readonly string[] },
): HoldWish {
  const wanted = items.map(({ feature, meter, quantity, subject }) => {
    return { group: features.indexOf(feature), meter, quantity, subject }
  })
  return {
    workspace,
    operation,
    fingerprint,
    occurredAt,
    state,
    dueMs,
    partial,
    groups: limits.map(({ group }) => group),
    items: wanted,
    grounds: `[${grounds.map(keepGrounds).join(',')}]`,
  }
}

interface ResolveInput {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly workspace: string
  readonly now: Instant
  /** When what is asked for happened; null = now. */
  readonly occurredAt: Instant | null
}

function resolveAll(
  input: ResolveInput,
  features: readonly string[],
): Resolved & Pick<HoldBasis, 'from' | 'until'> {
  const { catalogue, facts, now, occurredAt } = input
  const grounds = features.map((featureKey): Grounds => {
    const entitlement = rememberedEntitlement({ ...input, featureKey })
    return { entitlement, crossing: crossingOf(facts, featureKey, entitlement.feature) }
  })
  const limits = grounds.map((one) => atTime(limitOf(catalogue, one, now), facts.subscription, occurredAt))
  const from = Math.max(...limits.map((limit) => limit.from))
  return { grounds, limits, from, until: Math.min(...limits.map(({ until }) => until)) }
}

/** What a feature is compared with, over `[from, until)`. */
interface Limit extends Pick<HoldBasis, 'from' | 'until'> {
  readonly crossing: Crossing | null
  readonly group: HoldGroup
}

/** Limits by entitlement: of one object, which is never changed, they are the same until their time is over. */
const remembered = new WeakMap<Entitlement, Limit>()

function limitOf(catalogue: Catalogue, { entitlement, crossing }: Grounds, now: Instant): Limit {
  const known = remembered.get(entitlement)
  if (known !== undefined && known.crossing === crossing && known.from <= now && now < known.until)
    return known
  const { until, ...admission } = admissionOf({ catalogue, entitlement, crossing, now })
  const { feature, window } = entitlement
  const meters = feature.meters.map((meter) => ({
    meter,
    aggregation: aggregationOf(catalogue, meter),
    window,
  }))
  const limit = { from: now, until, crossing, group: { ...admission, meters } }
  remembered.set(entitlement, limit)
  return limit
}

/** What happened in another window is compared with what that one holds: its event is counted there. */
function atTime(limit: Limit, subscription: AcceptedSubscription | null, at: Instant | null): Limit {
  if (at === null || subscription === null) return limit
  const { meters } = limit.group
  if (meters.every(({ window }) => window === null || holds(window, at))) return limit
  const held = windowHolding(subscription, at)
  const moved = meters.map((meter) => (meter.window === null ? meter : { ...meter, window: held }))
  return { ...limit, group: { ...limit.group, meters: moved } }
}

function holds({ from, days }: BillingWindow, at: Instant): boolean {
  return at >= from && days.includes(dayOf(at))
}
