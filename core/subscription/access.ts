import { type Instant, MINUTE_MS } from '../instant.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** Where a workspace stands at an instant. */
export const accessStates = ['active', 'pending', 'lapsed', 'none'] as const
export type AccessState = (typeof accessStates)[number]

/** The part of the catalogue that access depends on. */
export interface AccessRules {
  readonly processingWindowMinutes: number
}

/**
 * When access ends by time: at the end of the period, or a processing window after an attempt to pay a renewal
 * that began before it (S1). Nothing has to run for it to end (S8).
 */
export function accessEndOf(subscription: AcceptedSubscription, rules: AccessRules): Instant {
  const { status, occurredAt, periodEnd, openOrder, cancelAtPeriodEnd } = subscription
  if (status === 'canceled') return Math.min(occurredAt, periodEnd)
  if (status === 'trialing' || cancelAtPeriodEnd || openOrder === null) return periodEnd
  const keepsAccess = openOrder.kind === 'renewal' || openOrder.kind === 'extension'
  const attemptedAt = openOrder.attempt?.at ?? null
  if (!keepsAccess || attemptedAt === null || attemptedAt >= periodEnd) return periodEnd
  return Math.max(periodEnd, attemptedAt + rules.processingWindowMinutes * MINUTE_MS)
}

/** Where the workspace stands: `pending` was never paid, `lapsed` was (or was a trial) and has ended. */
export function accessOf(
  subscription: AcceptedSubscription | null,
  now: Instant,
  rules: AccessRules,
): AccessState {
  if (subscription === null) return 'none'
  if (subscription.status === 'payment_pending') return 'pending'
  return now < accessEndOf(subscription, rules) ? 'active' : 'lapsed'
}

/** Whether what was paid for still gives access: a trial does not, nor what ended. */
export function hasPaidAccess(subscription: AcceptedSubscription, now: Instant, rules: AccessRules): boolean {
  return subscription.status !== 'trialing' && accessOf(subscription, now, rules) === 'active'
}
