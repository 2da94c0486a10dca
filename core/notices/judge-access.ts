import type { Instant } from '../instant.ts'
import { type AccessRules, accessEndOf, accessOf } from '../subscription/access.ts'
import { renewalNotices } from '../subscription/renewal-notices.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import type { LapsesTold, Notice, NoticeType, Told } from './notice.ts'

/** What has been told about access and renewal. */
export type AccessTold = Omit<Told, 'features'>

/** A workspace's subscription with what was told of it before. */
export interface AccessSituation {
  readonly workspace: string
  readonly subscription: AcceptedSubscription | null
  readonly rules: AccessRules
  readonly told: AccessTold
  readonly now: Instant
}

/** What is to be told of access and renewal, and when time alone gives something more to tell. */
export interface JudgedAccess {
  readonly told: AccessTold
  readonly notices: readonly Notice[]
  readonly nextAt: Instant | null
}

/**
 * Says which notices about access and renewal are due (S16, S17).
 *
 * Pure: nothing has to have run before. Started late, `lapsed` is still said while access is lapsed, and a renewal
 * notice while the period runs; what has passed altogether is left out. `restored` follows a `lapsed` only. Access that
 * came back and ends at an instant that was told before is told again, under another id.
 */
export function judgeAccess(situation: AccessSituation): JudgedAccess {
  const { subscription, told, now } = situation
  if (subscription === null) return { told, notices: [], nextAt: null }
  const end = accessEndOf(subscription, situation.rules)
  const access = accessOf(subscription, now, situation.rules)
  const isLapsing = access === 'lapsed' && told.lapsedAt === null
  const restoredFrom = access === 'active' ? told.lapsedAt : null
  const lapses = isLapsing ? lapsesWith(told, end) : lapsesOf(told)
  const renewal = judgeRenewal(situation, subscription)
  const notices = [
    ...(isLapsing ? [lapsed(situation, subscription, { end, lapses })] : []),
    ...(restoredFrom === null ? [] : [restored(situation, subscription, { end: restoredFrom, lapses })]),
    ...renewal.notices,
  ]
  const lapsedAt = isLapsing ? end : restoredFrom === null ? told.lapsedAt : null
  const isToldNow = isLapsing || restoredFrom !== null
  const later = [...(access === 'active' ? [end] : []), ...renewal.later]
  return {
    told: { ...told, ...renewal.told, lapsedAt, ...(isToldNow ? { lapses } : {}) },
    notices,
    nextAt: later.length === 0 ? null : Math.min(...later),
  }
}

/** The lapses told so far; what was stored before they were numbered knows only the one that lasts. */
function lapsesOf({ lapses, lapsedAt }: AccessTold): LapsesTold {
  if (lapses !== undefined) return lapses
  return { count: lapsedAt === null ? 0 : 1, latest: lapsedAt ?? 0, number: null }
}

/** Those with one more. An end later than all that were told names it; else its number is needed, too. */
function lapsesWith(told: AccessTold, end: Instant): LapsesTold {
  const { count, latest } = lapsesOf(told)
  return { count: count + 1, latest: Math.max(latest, end), number: end > latest ? null : count + 1 }
}

interface Renewal {
  readonly told: Pick<AccessTold, 'reminderFor' | 'dueFor'>
  readonly notices: readonly Notice[]
  /** When those that are not due yet will be. */
  readonly later: readonly Instant[]
}

function judgeRenewal(situation: AccessSituation, subscription: AcceptedSubscription): Renewal {
  const { told, now } = situation
  const { periodEnd } = subscription
  const forPeriod = { renewal_reminder: told.reminderFor, renewal_due: told.dueFor }
  const untold = renewalNotices(subscription, situation).filter(({ type }) => forPeriod[type] !== periodEnd)
  const due = untold.filter(({ dueAt }) => dueAt <= now)
  const isDue = (wanted: string): boolean => due.some(({ type }) => type === wanted)
  return {
    told: {
      reminderFor: isDue('renewal_reminder') ? periodEnd : told.reminderFor,
      dueFor: isDue('renewal_due') ? periodEnd : told.dueFor,
    },
    notices: due.map(({ type, dueAt }) => noticeOf(situation, { type, about: periodEnd, occurredAt: dueAt })),
    later: untold.filter(({ dueAt }) => dueAt > now).map(({ dueAt }) => dueAt),
  }
}

interface ToldLapse {
  /** The end of access. */
  readonly end: Instant
  readonly lapses: LapsesTold
}

/** Came true with the end; told of an end that may have been told before, with the version that gave it again. */
function lapsed(
  situation: AccessSituation,
  { occurredAt }: AcceptedSubscription,
  { end, lapses: { number } }: ToldLapse,
): Notice {
  const since = number === null ? end : Math.max(occurredAt, end)
  return noticeOf(situation, { type: 'lapsed', about: end, number, occurredAt: since })
}

/** Named by the lapse it ends; access came back with the version that says so. */
function restored(
  situation: AccessSituation,
  { occurredAt }: AcceptedSubscription,
  { end, lapses: { number } }: ToldLapse,
): Notice {
  return noticeOf(situation, { type: 'restored', about: end, number, occurredAt: Math.max(occurredAt, end) })
}

interface Draft {
  readonly type: NoticeType
  /** The end of access or of the period that it is about. */
  readonly about: Instant
  /** Number of the lapse where that end does not say which one; left out for a period. */
  readonly number?: number | null
  readonly occurredAt: Instant
}

function noticeOf({ workspace }: AccessSituation, draft: Draft): Notice {
  const { type, about, number = null, occurredAt } = draft
  const id = `${workspace}/${type}/${about}${number === null ? '' : `/${number}`}`
  return { id, workspace, type, feature: null, threshold: null, used: null, limit: null, occurredAt }
}
