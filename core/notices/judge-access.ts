import type { Instant } from '../instant.ts'
import { type AccessRules, accessEndOf, accessOf } from '../subscription/access.ts'
import { renewalNotices } from '../subscription/renewal-notices.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import type { Notice, NoticeType, Told } from './notice.ts'

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
 * notice while the period runs; what has passed altogether is left out. `restored` follows a `lapsed` only.
 */
export function judgeAccess(situation: AccessSituation): JudgedAccess {
  const { subscription, told, now } = situation
  if (subscription === null) return { told, notices: [], nextAt: null }
  const end = accessEndOf(subscription, situation.rules)
  const access = accessOf(subscription, now, situation.rules)
  const isLapsing = access === 'lapsed' && told.lapsedAt === null
  const restoredFrom = access === 'active' ? told.lapsedAt : null
  const renewal = judgeRenewal(situation, subscription)
  const notices = [
    ...(isLapsing ? [noticeOf(situation, { type: 'lapsed', about: end, occurredAt: end })] : []),
    ...(restoredFrom === null ? [] : [restored(situation, subscription, restoredFrom)]),
    ...renewal.notices,
  ]
  const lapsedAt = isLapsing ? end : restoredFrom === null ? told.lapsedAt : null
  const later = [...(access === 'active' ? [end] : []), ...renewal.later]
  return {
    told: { ...renewal.told, lapsedAt },
    notices,
    nextAt: later.length === 0 ? null : Math.min(...later),
  }
}

interface Renewal {
  readonly told: Omit<AccessTold, 'lapsedAt'>
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

/** Named by the lapse it ends; access came back with the version that says so. */
function restored(
  situation: AccessSituation,
  { occurredAt }: AcceptedSubscription,
  lapsedAt: Instant,
): Notice {
  return noticeOf(situation, {
    type: 'restored',
    about: lapsedAt,
    occurredAt: Math.max(occurredAt, lapsedAt),
  })
}

interface Draft {
  readonly type: NoticeType
  /** The end of access or of the period that it is about. */
  readonly about: Instant
  readonly occurredAt: Instant
}

function noticeOf({ workspace }: AccessSituation, { type, about, occurredAt }: Draft): Notice {
  const id = `${workspace}/${type}/${about}`
  return { id, workspace, type, feature: null, threshold: null, used: null, limit: null, occurredAt }
}
