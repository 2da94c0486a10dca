import type { Catalogue } from '../catalogue/catalogue.ts'
import { admissionOf } from '../entitlement/admission.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { rememberedEntitlement } from '../entitlement/remembered-entitlement.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { aggregationOf } from '../usage/feature-reading.ts'
import type { HoldBasis, HoldGroup, HoldOutcome, HoldReading, HoldWish } from '../usage/hold.ts'
import type { AdmitDeps, AdmitInput } from './admit-units.ts'
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
      readonly entitlements: readonly Entitlement[]
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
  let catalogue = deps.catalogue.remembered()
  let now = deps.holds.now()
  try {
    let revision = (deps.facts.remembered(workspace) ?? NO_FACTS).revision
    for (let call = 0; call < CALLS_MAX; call += 1) {
      const facts =
        deps.facts.current(workspace, revision) ?? (await deps.inTime(deps.facts.load(workspace, revision)))
      const resolved = resolveAll({ catalogue, facts, workspace, now }, items)
      const factsRevision = call === 0 ? named(facts.revision) : revision
      const basis = { ...resolved.basis, factsRevision, catalogueRevision: catalogue.revision }
      const reply = await deps.holds.hold(wishOf(input, items, resolved.groups), basis)
      if (reply.outcome === 'rebuilding') return { known: false, cause: 'rebuilding' }
      const { outcome, reading } = reply
      if (outcome !== 'stale') {
        return { known: true, outcome, reading, catalogue, facts, entitlements: resolved.entitlements }
      }
      revision = reading.factsRevision
      if (reading.catalogueRevision > catalogue.revision)
        catalogue = await deps.inTime(deps.catalogue.load(reading.catalogueRevision))
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

function wishOf(
  { workspace, operation, fingerprint, occurredAt, state, dueMs, partial }: AdmitInput,
  items: readonly PlannedItem[],
  groups: readonly HoldGroup[],
): HoldWish {
  const features = featuresOf(items)
  const wanted = items.map(({ feature, meter, quantity, subject }) => {
    return { group: features.indexOf(feature), meter, quantity, subject }
  })
  return { workspace, operation, fingerprint, occurredAt, state, dueMs, partial, groups, items: wanted }
}

function featuresOf(items: readonly PlannedItem[]): readonly string[] {
  return [...new Set(items.map(({ feature }) => feature))]
}

interface ResolveInput {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly workspace: string
  readonly now: Instant
}

interface Resolved {
  readonly entitlements: readonly Entitlement[]
  readonly groups: readonly HoldGroup[]
  readonly basis: Pick<HoldBasis, 'from' | 'until'>
}

function resolveAll(input: ResolveInput, items: readonly PlannedItem[]): Resolved {
  const { catalogue, facts, now } = input
  const entitlements = featuresOf(items).map((featureKey) => rememberedEntitlement({ ...input, featureKey }))
  const admissions = entitlements.map((entitlement) => {
    const crossing = ownValue(facts.crossings, entitlement.featureKey) ?? null
    return admissionOf({ catalogue, entitlement, crossing, now })
  })
  const groups = admissions.map((admission, index): HoldGroup => {
    const { feature, window } = entitlements[index] as Entitlement
    const meters = feature.meters.map((meter) => ({
      meter,
      aggregation: aggregationOf(catalogue, meter),
      window,
    }))
    return { ...admission, meters }
  })
  return {
    entitlements,
    groups,
    basis: { from: now, until: Math.min(...admissions.map(({ until }) => until)) },
  }
}
