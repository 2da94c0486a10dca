import type { Amount } from '../amount.ts'
import { lapseAllows } from '../catalogue/feature.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Crossing } from '../entitlement/facts.ts'
import { HOUR_MS, type Instant } from '../instant.ts'
import type { FeatureTold, GraceStage, Notice, NoticeType } from './notice.ts'

/** One feature of a workspace with what was judged and told of it before. */
export interface FeatureSituation {
  readonly entitlement: Entitlement
  /** Units counted; holds play no part. */
  readonly used: Amount
  readonly crossing: Crossing | null
  readonly told: FeatureTold
  readonly now: Instant
  /** When use that is reached now was: append time of the call that crossed, or when the facts came to count. */
  readonly reachedAt: (isReached: (used: Amount) => boolean) => Instant
}

/** The feature after judging, and what is to be told of it. */
export interface JudgedFeature {
  readonly crossing: Crossing | null
  readonly told: FeatureTold
  readonly notices: readonly Notice[]
  /** When time alone ends the grace; null when none runs. */
  readonly nextAt: Instant | null
}

/**
 * Compares the counted use of a feature with its thresholds and its grace (L1).
 *
 * Every threshold on the way is told, lowest first, so that judging late gives the notices, and the numbers, that
 * judging in time gives. A new window forgets the thresholds of the one before without a word. While access has ended
 * nothing is told; what stands when it is back is told then. In shadow mode nobody is told of what is not enforced; the
 * first look after it tells what stands then, and a grace begins with that.
 */
export function judgeFeature(situation: FeatureSituation): JudgedFeature {
  const { entitlement, told, now } = situation
  if (entitlement.access !== 'active') return judgeUnheard(situation)
  if (entitlement.feature.mode === 'shadow')
    return { crossing: crossingNow(situation), told, notices: [], nextAt: null }
  const windowFrom = entitlement.window?.from ?? null
  const before = windowFrom === told.windowFrom ? told.thresholds : []
  const thresholds = thresholdsNow(situation, before)
  const next = crossingNow(situation)
  const endsAt = graceEndOf(next, entitlement)
  const grace = graceNow(endsAt, now)
  const drafts: readonly Draft[] = [
    ...recovered(situation, before, thresholds),
    ...crossed(situation, before, thresholds),
    ...graceDrafts({ from: told.grace, to: grace, since: next?.since ?? now, endsAt: endsAt ?? now }),
  ]
  const notices = drafts.map((draft, index) => noticeOf(situation, draft, told.count + index + 1))
  return {
    crossing: next,
    told: {
      count: told.count + drafts.length,
      thresholds,
      windowFrom: thresholds.length === 0 ? null : windowFrom,
      grace,
    },
    notices,
    nextAt: grace === 'started' ? endsAt : null,
  }
}

/** What is judged while there is no access: it is told when there is again. */
function judgeUnheard(situation: FeatureSituation): JudgedFeature {
  const { entitlement, crossing: before, told, now } = situation
  const crossing = entitlement.access === 'lapsed' ? crossingInLapse(situation) : before
  const isRearmed = before !== null && crossing === null
  const endsAt = graceEndOf(crossing, entitlement)
  return {
    crossing,
    told: isRearmed ? { ...told, grace: 'none' } : told,
    notices: [],
    nextAt: endsAt !== null && now < endsAt ? endsAt : null,
  }
}

/**
 * Where the lapse mode leaves adding, the limit binds on, so its grace begins and runs as ever (S16, L1). Elsewhere none
 * begins, as nothing may be added; use that falls re-arms one that stands.
 */
function crossingInLapse(situation: FeatureSituation): Crossing | null {
  const { entitlement, crossing } = situation
  const next = crossingNow(situation)
  return lapseAllows(entitlement.feature.lapse, 'add') || next === null ? next : crossing
}

function graceEndOf(crossing: Crossing | null, { feature }: Entitlement): Instant | null {
  return crossing === null ? null : crossing.since + feature.graceHours * HOUR_MS
}

interface Draft {
  readonly type: NoticeType
  readonly threshold: number | null
  readonly occurredAt: Instant
}

/** A limit of 0 is a feature that is not sold: nothing of it can be crossed before something is used. */
function isAtPercent(limit: Amount | null, used: Amount, percent: number): boolean {
  return limit !== null && used > 0 && used * 100 >= limit * percent
}

/** Percents that stand: reached now, or told before and not left far enough below. */
function thresholdsNow(situation: FeatureSituation, before: readonly number[]): readonly number[] {
  const { used } = situation
  const { feature, limit } = situation.entitlement
  const stays = (percent: number): boolean =>
    before.includes(percent) &&
    limit !== null &&
    used * 10_000 >= limit * percent * feature.rearmBelowPercent &&
    used > 0
  return feature.thresholds.filter((percent) => isAtPercent(limit, used, percent) || stays(percent))
}

/** Grace starts at the first counted `used ≥ limit` and is re-armed well below it (domain.md, "grace"). */
export function crossingNow({
  entitlement,
  used,
  crossing,
  reachedAt,
  now,
}: Omit<FeatureSituation, 'told'>): Crossing | null {
  const { limit, feature } = entitlement
  if (limit === null || limit === 0 || feature.graceHours === 0) return null
  const isShadow = feature.mode === 'shadow'
  if (used >= limit && crossing?.untold === true && !isShadow) return { since: now }
  if (used >= limit && crossing === null) {
    const since = reachedAt((before) => before >= limit)
    return isShadow ? { since, untold: true } : { since }
  }
  if (used >= limit) return crossing
  return used * 100 < limit * feature.rearmBelowPercent ? null : crossing
}

function graceNow(endsAt: Instant | null, now: Instant): GraceStage {
  if (endsAt === null) return 'none'
  return now < endsAt ? 'started' : 'ended'
}

/** What was told and stands no more; a percent that the catalogue no longer has is forgotten, as nobody fell below it. */
function recovered(
  { entitlement, now }: FeatureSituation,
  before: readonly number[],
  after: readonly number[],
): readonly Draft[] {
  const { thresholds } = entitlement.feature
  const left = before.filter((percent) => thresholds.includes(percent) && !after.includes(percent))
  return left
    .toReversed()
    .map((threshold) => ({ type: 'threshold_recovered', threshold, occurredAt: now }) as const)
}

function crossed(
  { entitlement: { limit }, reachedAt }: FeatureSituation,
  before: readonly number[],
  after: readonly number[],
): readonly Draft[] {
  const reached = after.filter((percent) => !before.includes(percent))
  return reached.map((threshold) => {
    const occurredAt = reachedAt((used) => isAtPercent(limit, used, threshold))
    return { type: 'threshold_crossed', threshold, occurredAt } as const
  })
}

interface GraceStep {
  readonly from: GraceStage
  readonly to: GraceStage
  readonly since: Instant
  readonly endsAt: Instant
}

/** Use that falls below the limit ends no grace: `threshold_recovered` says so. */
function graceDrafts({ from, to, since, endsAt }: GraceStep): readonly Draft[] {
  const started: Draft = { type: 'grace_started', threshold: null, occurredAt: since }
  const ended: Draft = { type: 'grace_ended', threshold: null, occurredAt: endsAt }
  if (to === 'none' || to === from) return []
  if (to === 'started') return from === 'none' ? [started] : []
  return from === 'none' ? [started, ended] : [ended]
}

function noticeOf({ entitlement, used }: FeatureSituation, draft: Draft, number: number): Notice {
  const { workspace, featureKey, limit } = entitlement
  return { id: `${workspace}/${featureKey}/${number}`, workspace, feature: featureKey, used, limit, ...draft }
}
