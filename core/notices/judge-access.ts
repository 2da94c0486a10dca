import { DAY_MS, type Instant } from '../instant.ts'
import { type AccessRules, accessEndOf, accessOf } from '../subscription/access.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import type { Notice, NoticeType, Told } from './notice.ts'

/** A reminder goes out nine days before the period ends (S17). */
const REMINDER_MS = 9 * DAY_MS
/** The renewal is ordered and charged three days before (S17). */
const DUE_MS = 3 * DAY_MS

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
  const reminder = renewalNotice(situation, subscription, 'renewal_reminder')
  const due = renewalNotice(situation, subscription, 'renewal_due')
  const notices = [
    ...(isLapsing ? [noticeOf(situation, { type: 'lapsed', about: end, occurredAt: end })] : []),
    ...(restoredFrom === null ? [] : [restored(situation, subscription, restoredFrom)]),
    ...(reminder.isDue ? [reminder.notice] : []),
    ...(due.isDue ? [due.notice] : []),
  ]
  const lapsedAt = isLapsing ? end : restoredFrom === null ? told.lapsedAt : null
  const later = [access === 'active' ? end : null, reminder.nextAt, due.nextAt].filter((at) => at !== null)
  return {
    told: {
      lapsedAt,
      reminderFor: reminder.isDue ? subscription.periodEnd : told.reminderFor,
      dueFor: due.isDue ? subscription.periodEnd : told.dueFor,
    },
    notices,
    nextAt: later.length === 0 ? null : Math.min(...later),
  }
}

interface Renewal {
  readonly isDue: boolean
  readonly notice: Notice
  /** When it will be due; null when it is due, was told, or never will be. */
  readonly nextAt: Instant | null
}

/** Active and not cancelling; to be charged also needs automatic renewal (domain.md, "renewal notices"). */
function renewalNotice(
  situation: AccessSituation,
  { status, cancelAtPeriodEnd, autoRenew, periodEnd }: AcceptedSubscription,
  type: 'renewal_reminder' | 'renewal_due',
): Renewal {
  const { told, now } = situation
  const isReminder = type === 'renewal_reminder'
  const occurredAt = periodEnd - (isReminder ? REMINDER_MS : DUE_MS)
  const notice = noticeOf(situation, { type, about: periodEnd, occurredAt })
  const isWanted = status === 'active' && !cancelAtPeriodEnd && (isReminder || autoRenew)
  const wasTold = (isReminder ? told.reminderFor : told.dueFor) === periodEnd
  if (!isWanted || wasTold || now >= periodEnd) return { isDue: false, notice, nextAt: null }
  const isDue = now >= occurredAt
  return { isDue, notice, nextAt: isDue ? null : occurredAt }
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
