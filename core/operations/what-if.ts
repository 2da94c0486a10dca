import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Reason, Unblock } from '../entitlement/decision.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { dayField, splitField } from '../usage/counter-fields.ts'
import { planReading, usageOf } from '../usage/feature-reading.ts'
import { type SubscriptionWish, withWish } from '../what-if/change-subscription.ts'
import { firstDenial, type World } from '../what-if/first-denial.ts'
import {
  allFeatures,
  type ReadDeps,
  readCounted,
  readWorkspace,
  type WorkspaceReading,
} from './read-workspace.ts'

/** What a what-if needs. */
export interface WhatIfDeps extends ReadDeps {
  /** At most `limit` workspaces after one that the caller may see, in the order of their ids. */
  readonly workspacesAfter: (workspace: string, limit: number) => Promise<readonly string[]>
}

/** A feature that a workspace may add to now, and then may not, or not as long. */
export interface NewDenial {
  readonly workspace: string
  readonly feature: string
  /** From when on; now, or the end of a grace, or when the change takes effect. */
  readonly since: Instant
  /** That of a decision, or of the refusal to decide where the feature was taken out. */
  readonly reason: Reason | 'unknown_feature'
  readonly limit: Amount | null
  readonly used: Amount
  readonly unblock: readonly Unblock[]
  /** The limit as it is. */
  readonly limitNow: Amount | null
}

/** Who would be denied what, of the workspaces that were looked at. */
export interface WhatIfResult {
  readonly denied: readonly NewDenial[]
  /** How many workspaces were looked at. */
  readonly workspaces: number
  /** Workspaces whose counters or facts could not be had. */
  readonly unknown: readonly string[]
  /** The last workspace of this page; null when there are no more. */
  readonly cursor: string | null
}

/** Workspaces that one answer looks at. */
export const WHAT_IF_WORKSPACES_MAX = 200
const AT_ONCE = 8

/** Who would be denied what under another catalogue, newly or sooner, for a page of the workspaces that the caller may see. */
export async function whatIfCatalogue(
  deps: WhatIfDeps,
  input: { readonly catalogue: Catalogue; readonly cursor: string | null },
): Promise<WhatIfResult> {
  const page = await deps.workspacesAfter(input.cursor ?? '', WHAT_IF_WORKSPACES_MAX)
  const denied: NewDenial[] = []
  const unknown: string[] = []
  for (let from = 0; from < page.length; from += AT_ONCE) {
    const slice = page.slice(from, from + AT_ONCE)
    const results = await Promise.all(
      slice.map((workspace) => underCatalogue(deps, workspace, input.catalogue)),
    )
    for (const [index, result] of results.entries()) {
      if (result === null) unknown.push(slice[index] ?? '')
      else denied.push(...result)
    }
  }
  const isMore = page.length === WHAT_IF_WORKSPACES_MAX
  return { denied, unknown, workspaces: page.length, cursor: isMore ? (page.at(-1) ?? null) : null }
}

/**
 * What a workspace would be denied with another plan, other seats or other add-ons.
 *
 * Throws `not_found` without a subscription, `invalid_request` for what is not sold, `unavailable` when counters
 * or facts cannot be had.
 */
export async function whatIfSubscription(
  deps: WhatIfDeps,
  { workspace, wish }: { readonly workspace: string; readonly wish: SubscriptionWish },
): Promise<WhatIfResult> {
  const known = await readAll(deps, workspace)
  if (!known.known) {
    throw new TallygateError('unavailable', `${workspace}: its facts or counters cannot be had; try again`, {
      workspace,
    })
  }
  const { catalogue, reading } = known
  const facts = withWish(known.facts, wish, { catalogue, now: reading.now })
  const denied = await compare(deps, known, { workspace, catalogue, facts })
  return { denied, unknown: [], workspaces: 1, cursor: null }
}

type Known = WorkspaceReading & { readonly known: true }

/** Null where counters or facts cannot be had, also where they were lost after the first look. */
async function underCatalogue(
  deps: WhatIfDeps,
  workspace: string,
  catalogue: Catalogue,
): Promise<readonly NewDenial[] | null> {
  const known = await readAll(deps, workspace)
  if (!known.known || known.facts.subscription === null) return known.known ? [] : null
  return compare(deps, known, { workspace, catalogue, facts: known.facts }).catch((error: unknown) => {
    if (error instanceof TallygateError && error.code === 'unavailable') return null
    throw error
  })
}

function readAll(deps: WhatIfDeps, workspace: string): Promise<WorkspaceReading> {
  return readWorkspace(deps, { workspace, features: allFeatures })
}

interface Proposal {
  readonly workspace: string
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
}

/**
 * Features that are denied then and not now, or sooner than now; the counters are the same in both worlds. Throws
 * `unavailable`.
 */
async function compare(deps: WhatIfDeps, known: Known, proposal: Proposal): Promise<readonly NewDenial[]> {
  const { workspace } = proposal
  const { now } = known.reading
  const entitlements = Object.keys(proposal.catalogue.features).map((featureKey) =>
    resolveEntitlement({ ...proposal, featureKey, now }),
  )
  const plan = planReading(
    proposal.catalogue,
    entitlements.map((entitlement) => ({ entitlement, subject: null })),
  )
  const reading = splitNow(await readCounted(deps, workspace, plan), { entitlements, now })
  const then: World = { ...proposal, reading, now }
  const today: World = { ...known, workspace, now }
  const takenOut = Object.keys(known.catalogue.features).filter(
    (featureKey) => !Object.hasOwn(proposal.catalogue.features, featureKey),
  )
  return [
    ...entitlements.flatMap(({ featureKey }) => newDenial({ featureKey, today, then })),
    ...takenOut.flatMap((featureKey) => withoutFeature(today, featureKey)),
  ]
}

interface Splitting {
  readonly entitlements: readonly Entitlement[]
  readonly now: Instant
}

/** As the log would have it where a window begins now: what the day held before belongs to the window before. */
function splitNow(reading: CounterReading, { entitlements, now }: Splitting): CounterReading {
  const fields = { ...reading.fields }
  for (const { feature, window } of entitlements) {
    if (window?.splitDay?.startsAt !== now) continue
    const { day } = window.splitDay
    for (const meter of feature.meters)
      fields[splitField(meter, day)] = `${now}|${fields[dayField(meter, day)] ?? 0}`
  }
  return { ...reading, fields }
}

/** Whoever may add to a feature now may not once it is gone. */
function withoutFeature(today: World, featureKey: string): readonly NewDenial[] {
  if (firstDenial(today, featureKey)?.at === today.now) return []
  const entitlement = resolveEntitlement({ ...today, featureKey })
  const { used } = usageOf({ entitlement, subject: null }, today.reading, today.catalogue)
  const { workspace, now } = today
  const gone = { reason: 'unknown_feature', limit: null, unblock: [] } as const
  return [{ workspace, feature: featureKey, since: now, used, limitNow: entitlement.limit, ...gone }]
}

interface Comparison {
  readonly featureKey: string
  readonly today: World
  readonly then: World
}

function newDenial({ featureKey, today, then }: Comparison): readonly NewDenial[] {
  const after = firstDenial(then, featureKey)
  if (after === null) return []
  const isKnownToday = Object.hasOwn(today.catalogue.features, featureKey)
  const before = isKnownToday ? firstDenial(today, featureKey) : null
  if (before !== null && before.at <= after.at) return []
  const { reason, limit, used, unblock } = after.verdict
  const limitNow = isKnownToday ? resolveEntitlement({ ...today, featureKey, now: today.now }).limit : null
  return [
    {
      workspace: then.workspace,
      feature: featureKey,
      since: after.at,
      reason,
      limit,
      used,
      unblock,
      limitNow,
    },
  ]
}
