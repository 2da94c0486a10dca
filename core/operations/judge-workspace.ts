import type { Catalogue } from '../catalogue/catalogue.ts'
import { EXACT_LAG_MS } from '../entitlement/accuracy.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Crossing } from '../entitlement/facts.ts'
import { parseRevision } from '../entitlement/facts-revision.ts'
import { type Instant, MINUTE_MS, SECOND_MS } from '../instant.ts'
import { isEqual } from '../is-equal.ts'
import { judgeAccess } from '../notices/judge-access.ts'
import { type FeatureSituation, judgeFeature } from '../notices/judge-feature.ts'
import type { Judgement } from '../notices/judgement.ts'
import { type FeatureTold, NOTHING_TOLD_OF_FEATURE, type Notice } from '../notices/notice.ts'
import { reachedAt } from '../notices/reached-at.ts'
import { ownValue } from '../own-value.ts'
import type { JudgementStore, NoticeSink } from '../ports.ts'
import { isSplitMissing, usageOf } from '../usage/feature-reading.ts'
import { percentOf } from '../usage/percent-of.ts'
import { type ReadDeps, readWorkspace, type WantedFeature, type WorkspaceReading } from './read-workspace.ts'

/** The start of a window is counted so long after it, unless counting is behind or billing was late. */
const SPLIT_WITHIN_MS = MINUTE_MS

/** What judging needs; its counters say what was not judged yet. */
export interface JudgeDeps extends ReadDeps {
  readonly judgements: JudgementStore
  readonly notices: NoticeSink
}

/** What judging came to; `unknown` when counters or facts could not be had: judge again later. */
export interface Judged {
  readonly outcome: 'unchanged' | 'changed' | 'unknown'
  /** When time alone gives something new to judge; null when nothing ever will. */
  readonly nextAt: Instant | null
  /** What was judged of what had changed, as it is kept; '' for nothing. */
  readonly kept: string
  /** Percent of the limit that is used, by feature; null where there is none. */
  readonly shares: Readonly<Record<string, number | null>>
}

/**
 * Compares a workspace with its limits and dates, stores since when they have been reached, and publishes what
 * is to be told of it.
 *
 * Safe to run twice and by two judges at once: the judgement is an insert under the next number, and the loser
 * finds the winner's. A notice is published before the judgement after it can be inserted, so whoever comes after
 * a crash finds what was not acknowledged in the newest judgement and publishes it under the same id.
 */
export async function judgeWorkspace(deps: JudgeDeps, workspace: string): Promise<Judged> {
  for (;;) {
    const known = await readWorkspace(deps, { workspace, features: featuresToJudge })
    if (!known.known) return { outcome: 'unknown', nextAt: null, kept: '', shares: {} }
    const number = parseRevision(known.facts.revision).crossings
    const last = await deps.judgements.read(workspace, number)
    await deps.notices.settle(last.notices)
    const { judgement, nextAt } = judge(known, { workspace, last })
    const shares = sharesOf(known)
    const { kept = '' } = known.reading.unjudged ?? {}
    if (isSame(judgement, last)) return { outcome: 'unchanged', nextAt, kept, shares }
    const isStored = await deps.judgements.append(workspace, number + 1, judgement)
    await deps.facts.refresh(workspace, null)
    if (!isStored) continue
    await deps.notices.settle(judgement.notices)
    return { outcome: 'changed', nextAt, kept, shares }
  }
}

/** Features that can be crossed: those with thresholds or grace. */
function featuresToJudge(catalogue: Catalogue): readonly WantedFeature[] {
  return Object.entries(catalogue.features)
    .filter(([, { graceHours, thresholds }]) => graceHours > 0 || thresholds.length > 0)
    .map(([feature]) => ({ feature, subject: null }))
}

interface Situation {
  readonly workspace: string
  readonly last: Judgement
}

type Known = WorkspaceReading & { readonly known: true }

function judge(
  known: Known,
  { workspace, last }: Situation,
): { readonly judgement: Judgement; readonly nextAt: Instant | null } {
  const { catalogue, facts, reading, entitlements } = known
  const { now } = reading
  const access = judgeAccess({
    workspace,
    subscription: facts.subscription,
    rules: catalogue,
    told: last.told,
    now,
  })
  const crossings: Record<string, Crossing> = {}
  const features: Record<string, FeatureTold> = { ...last.told.features }
  const notices: Notice[] = [...access.notices]
  const later: (Instant | null)[] = [access.nextAt]
  for (const entitlement of entitlements) {
    const key = entitlement.featureKey
    const before = ownValue(last.told.features, key) ?? NOTHING_TOLD_OF_FEATURE
    const crossing = ownValue(last.crossings, key) ?? null
    if (awaitsSplit(entitlement, known)) {
      if (crossing !== null) crossings[key] = crossing
      later.push(now + SECOND_MS)
      continue
    }
    const { used } = usageOf({ entitlement, subject: null }, reading, catalogue)
    const since: FeatureSituation['reachedAt'] = (isReached) =>
      Math.min(reachedAt({ entitlement, reading, catalogue }, isReached) ?? now, now)
    const judged = judgeFeature({ entitlement, used, crossing, told: before, now, reachedAt: since })
    if (judged.crossing !== null) crossings[key] = judged.crossing
    if (!isEqual(judged.told, before)) features[key] = judged.told
    notices.push(...judged.notices)
    later.push(judged.nextAt, facts.subscription === null ? null : entitlement.validUntil)
  }
  const judgement = { crossings, told: { ...access.told, features }, notices, judgedAt: now }
  return { judgement, nextAt: earliest(later) }
}

/**
 * Whether a window began inside a day, and that may be in the log and not counted yet: what was used before it would be
 * told as use of a new allowance. Billing says of a window soon after it began, or late, but then counting is seldom behind.
 */
function awaitsSplit(entitlement: Entitlement, { reading, catalogue }: Known): boolean {
  const startsAt = entitlement.window?.splitDay?.startsAt ?? null
  if (startsAt === null || !isSplitMissing(entitlement, reading, catalogue)) return false
  return reading.lagMs > EXACT_LAG_MS || reading.asOf < startsAt + SPLIT_WITHIN_MS
}

/** What is used of a limit of 0 is over it, full; where nothing is used, it is a feature that is not sold. */
function sharesOf({ catalogue, reading, entitlements }: Known): Record<string, number | null> {
  const shares = entitlements.map((entitlement): [string, number | null] => {
    const { featureKey, limit, access } = entitlement
    if (access !== 'active' || limit === null) return [featureKey, null]
    const { used } = usageOf({ entitlement, subject: null }, reading, catalogue)
    return [featureKey, percentOf(used, limit)]
  })
  return Object.fromEntries(shares)
}

function earliest(instants: readonly (Instant | null)[]): Instant | null {
  const finite = instants.filter((instant) => instant !== null && Number.isFinite(instant))
  return finite.length === 0 ? null : Math.min(...finite.map(Number))
}

/** Whether a judgement says nothing that the last one did not say. */
function isSame({ crossings, told, notices }: Judgement, last: Judgement): boolean {
  return notices.length === 0 && isEqual(crossings, last.crossings) && isEqual(told, last.told)
}
