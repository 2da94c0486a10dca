import type { Amount } from '../amount.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { percentOf } from '../usage/percent-of.ts'
import { byNewestCatalogue } from './by-newest-catalogue.ts'
import { requireFeature } from './check.ts'
import { type EntitlementUse, readEntitlements } from './read-entitlements.ts'
import type { ReadDeps } from './read-workspace.ts'

/** A place in the list of those nearest to a limit, as the judge last saw it. */
export interface ListedLimit {
  readonly workspace: string
  readonly feature: string
  readonly place: number
}

/** What listing needs. */
export interface NearestDeps extends ReadDeps {
  /** The next of what the caller may see of the list, below a place, highest first; fewer than `limit` at its end. */
  readonly listed: (query: {
    readonly from: number
    readonly below: number
    readonly limit: number
  }) => Promise<readonly ListedLimit[]>
}

/** Which of the list are wanted. */
export interface NearestInput {
  /** Only this feature; null for all. */
  readonly feature: string | null
  /** Percent of the limit. */
  readonly atLeast: number
  /** Where the page before ended; null begins at the top. */
  readonly below: number | null
  readonly limit: number
  /** Only workspaces with this in their id, in any case; null for all. */
  readonly search: string | null
}

/** One limit of a workspace with what is used of it now. */
export interface NearestLimit {
  readonly workspace: string
  readonly feature: string
  readonly used: Amount
  readonly limit: Amount
  readonly percent: number
}

/** A page of the list; `below` names where the next one begins, null at the end. */
export interface NearestPage {
  /** Everything appended before is in the figures; null when nothing is listed. */
  readonly asOf: Instant | null
  readonly limits: readonly NearestLimit[]
  readonly below: number | null
}

/** Entries of the list that are looked at for one page. */
const LOOKED_AT_MAX = 5_000
const AT_ONCE = 500

/**
 * The workspaces that use most of a limit, highest first: listed by the judge, with figures of now.
 *
 * A workspace whose figures cannot be had is left out. Throws `unknown_feature`, and `unavailable` when the list cannot be
 * read.
 */
export async function nearestLimits(deps: NearestDeps, input: NearestInput): Promise<NearestPage> {
  const { feature, atLeast, limit } = input
  if (feature !== null)
    await byNewestCatalogue(deps.catalogue, (catalogue) => requireFeature(catalogue, feature))
  const search = input.search?.toLowerCase() ?? ''
  const isMeant = (entry: ListedLimit): boolean =>
    (feature === null || entry.feature === feature) && entry.workspace.toLowerCase().includes(search)
  const wanted: ListedLimit[] = []
  let below = input.below ?? Number.MAX_VALUE
  let isOver = false
  for (let seen = 0; seen < LOOKED_AT_MAX && wanted.length < limit && !isOver; seen += AT_ONCE) {
    const next = await deps.listed({ from: atLeast, below, limit: AT_ONCE })
    for (const entry of next) {
      if (wanted.length === limit) break
      below = entry.place
      if (isMeant(entry)) wanted.push(entry)
    }
    isOver = next.length < AT_ONCE && below === (next.at(-1)?.place ?? below)
  }
  const figures = await Promise.all(wanted.map((entry) => figuresOf(deps, entry)))
  const known = figures.filter((one) => one !== null)
  return {
    asOf: known.length === 0 ? null : Math.min(...known.map(({ asOf }) => asOf)),
    limits: known.map(({ asOf: _, ...row }) => row),
    below: isOver ? null : below,
  }
}

async function figuresOf(
  deps: ReadDeps,
  { workspace, feature }: ListedLimit,
): Promise<(NearestLimit & { readonly asOf: Instant }) | null> {
  const found = await readEntitlements(deps, workspace).catch((error: unknown) => {
    if (error instanceof TallygateError) return null
    throw error
  })
  const use = found?.uses.find(({ entitlement }) => entitlement.featureKey === feature)
  return use === undefined ? null : rowOf(use, { workspace, asOf: found?.accuracy.asOf ?? null })
}

function rowOf(
  { entitlement: { featureKey, limit }, usage: { used } }: EntitlementUse,
  { workspace, asOf }: { readonly workspace: string; readonly asOf: Instant | null },
): (NearestLimit & { readonly asOf: Instant }) | null {
  if (limit === null || asOf === null) return null
  const percent = percentOf(used, limit)
  return percent === null ? null : { workspace, feature: featureKey, used, limit, percent, asOf }
}
