import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Verdict } from '../entitlement/decision.ts'
import { type Crossing, crossingOf, type WorkspaceFacts } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { HOUR_MS, type Instant } from '../instant.ts'
import { crossingNow } from '../notices/judge-feature.ts'
import { ownValue } from '../own-value.ts'
import type { CounterReading } from '../ports.ts'
import { usageOf } from '../usage/feature-reading.ts'

/** A workspace as it is, or as it would be: facts, catalogue and counters that belong together. */
export interface World {
  readonly workspace: string
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly reading: CounterReading
  readonly now: Instant
}

/** The first instant at which one more unit would be denied, and what the caller would be told then. */
export interface FirstDenial {
  readonly at: Instant
  readonly verdict: Verdict
}

/** Changes by time that are looked ahead at; a window a month and a few dates fit into two years of them. */
const STEPS_MAX = 40

/**
 * From when on adding one unit of a feature is denied if nothing else happens; null when it never is.
 *
 * Follows what time alone changes: the end of a grace, plan versions to come, add-ons that begin and end, new windows (in
 * which nothing is used yet), the end of access. A limit that rises meanwhile re-arms the grace, as the judge does.
 */
export function firstDenial(world: World, featureKey: string): FirstDenial | null {
  const feature = ownValue(world.catalogue.features, featureKey)
  let crossing = feature === undefined ? null : crossingOf(world.facts, featureKey, feature)
  let at: Instant = world.now
  for (let step = 0; step < STEPS_MAX && Number.isFinite(at); step += 1) {
    const moment = momentAt(world, { featureKey, at, crossing })
    if (!moment.verdict.allowed) return { at, verdict: moment.verdict }
    crossing = moment.crossing
    at = Math.min(moment.validUntil, moment.graceEndsAt)
  }
  return null
}

interface MomentInput {
  readonly featureKey: string
  readonly at: Instant
  readonly crossing: Crossing | null
}

interface Moment {
  readonly verdict: Verdict
  readonly crossing: Crossing | null
  readonly validUntil: Instant
  /** When a grace that tolerates the request ends; infinite without one. */
  readonly graceEndsAt: Instant
}

function momentAt(world: World, { featureKey, at, crossing }: MomentInput): Moment {
  const { catalogue, reading } = world
  const entitlement = resolveEntitlement({ ...world, featureKey, now: at })
  const usage = usageOf({ entitlement, subject: null }, reading, catalogue)
  const request = { feature: featureKey, quantity: 1 as Amount, intent: 'add' } as const
  const item = { request, entitlement, usage, crossing }
  const [verdict] = decideTogether({ catalogue, now: at, items: [item] }).decisions
  if (verdict === undefined) throw new RangeError('one request has one verdict')
  const { validUntil, feature } = entitlement
  const standing = crossingNow({ entitlement, used: usage.used, crossing, reachedAt: () => at, now: at })
  if (verdict.reason !== 'over_limit_grace') {
    return { verdict, crossing: standing, validUntil, graceEndsAt: Number.POSITIVE_INFINITY }
  }
  const { since } = standing ?? { since: at }
  return { verdict, crossing: { since }, validUntil, graceEndsAt: since + feature.graceHours * HOUR_MS }
}
