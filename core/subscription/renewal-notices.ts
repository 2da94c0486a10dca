import { DAY_MS, type Instant } from '../instant.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** Notices before the end of a paid period: a reminder, then that the renewal is ordered and charged (S17). */
export const renewalNoticeTypes = ['renewal_reminder', 'renewal_due'] as const
export type RenewalNoticeType = (typeof renewalNoticeTypes)[number]

/** Days before the end of the period. */
const DAYS_BEFORE: Readonly<Record<RenewalNoticeType, number>> = { renewal_reminder: 9, renewal_due: 3 }

/** One notice of one period. */
export interface RenewalNotice {
  /** `<workspace>/<type>/<periodEnd>`, epoch milliseconds: the same however often it is found due. */
  readonly id: string
  readonly type: RenewalNoticeType
  /** From when on it is to be sent. */
  readonly dueAt: Instant
}

/** Whose notices, and when. */
export interface RenewalMoment {
  readonly workspace: string
  readonly now: Instant
}

/** The renewal notices that are due: from their day on until the period ends, so that a late start still sends them. */
export function dueRenewalNotices(
  subscription: AcceptedSubscription,
  moment: RenewalMoment,
): readonly RenewalNotice[] {
  return renewalNotices(subscription, moment).filter(({ dueAt }) => dueAt <= moment.now)
}

/**
 * The renewal notices of a period that runs, due already or not yet.
 *
 * Only for what is paid and not to be cancelled; a renewal is due only where it renews by itself. Source:
 * domain.md, "renewal notices".
 */
export function renewalNotices(
  { status, periodEnd, cancelAtPeriodEnd, autoRenew }: AcceptedSubscription,
  { workspace, now }: RenewalMoment,
): readonly RenewalNotice[] {
  if (status !== 'active' || cancelAtPeriodEnd || now >= periodEnd) return []
  const types = autoRenew ? renewalNoticeTypes : renewalNoticeTypes.slice(0, 1)
  return types.map((type) => {
    const dueAt = periodEnd - DAYS_BEFORE[type] * DAY_MS
    return { id: `${workspace}/${type}/${periodEnd}`, type, dueAt }
  })
}
