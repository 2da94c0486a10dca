import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Crossing, WorkspaceFacts } from '../entitlement/facts.ts'
import { parseRevision } from '../entitlement/facts-revision.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import type { CounterReading, CrossingStore } from '../ports.ts'
import { usageOf } from '../usage/feature-reading.ts'
import { type ReadDeps, readWorkspace } from './read-workspace.ts'

/** What judging needs. */
export interface JudgeDeps extends ReadDeps {
  readonly crossings: CrossingStore
}

/** A workspace whose counters or facts changed. */
export interface Judgement {
  readonly workspace: string
  /** Append time of the earliest unjudged call that raised a meter, or of the change of facts; null = none did. */
  readonly raisedAt: Instant | null
}

/**
 * Compares a workspace's counted use with its grace limits and stores since when they have been reached.
 *
 * Safe to run twice and by two judges at once: the record is an insert under the next number, and the loser
 * finds the winner's. Returns `unknown` when counters or facts could not be had: judge again later.
 */
export async function judgeWorkspace(
  deps: JudgeDeps,
  { workspace, raisedAt }: Judgement,
): Promise<'unchanged' | 'changed' | 'unknown'> {
  for (;;) {
    const features = graceFeatures(deps.catalogue.remembered()).map((feature) => ({ feature, subject: null }))
    const known = await readWorkspace(deps, { workspace, features })
    if (!known.known) return 'unknown'
    const { catalogue, facts, reading, entitlements } = known
    const crossings = judge(entitlements, { catalogue, facts, reading, since: raisedAt ?? reading.now })
    if (isSame(crossings, facts.crossings)) return 'unchanged'
    const number = parseRevision(facts.revision).crossings + 1
    const isStored = await deps.crossings.appendCrossings(workspace, number, {
      crossings,
      judgedAt: reading.now,
    })
    await deps.facts.refresh(workspace, null)
    if (isStored) return 'changed'
  }
}

function graceFeatures(catalogue: Catalogue): readonly string[] {
  return Object.keys(catalogue.features).filter((key) => (catalogue.features[key]?.graceHours ?? 0) > 0)
}

interface Situation {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly reading: CounterReading
  readonly since: Instant
}

function judge(entitlements: readonly Entitlement[], situation: Situation): Record<string, Crossing> {
  const crossings: Record<string, Crossing> = {}
  for (const entitlement of entitlements) {
    const crossing = judgeFeature(entitlement, situation)
    if (crossing !== null) crossings[entitlement.featureKey] = crossing
  }
  return crossings
}

/** Grace starts at the first counted `used ≥ limit`, holds aside, and is re-armed well below it (domain.md). */
function judgeFeature(
  entitlement: Entitlement,
  { catalogue, facts, reading, since }: Situation,
): Crossing | null {
  const before = ownValue(facts.crossings, entitlement.featureKey) ?? null
  if (entitlement.access !== 'active') return before
  if (entitlement.limit === null) return null
  const { used } = usageOf({ entitlement, subject: null }, reading, catalogue)
  if (used >= entitlement.limit) return before ?? { since }
  const isRearmed = used * 100 < entitlement.limit * entitlement.feature.rearmBelowPercent
  return isRearmed ? null : before
}

function isSame(a: Readonly<Record<string, Crossing>>, b: Readonly<Record<string, Crossing>>): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => a[key]?.since === b[key]?.since)
}
