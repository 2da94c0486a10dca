import type { TrialRule } from '../catalogue/catalogue.ts'
import { DAY_MS, toIso } from '../instant.ts'
import { addMonths } from './add-months.ts'
import type { AcceptedSubscription, SubscriptionEvent } from './subscription.ts'

/** What billing may have got wrong: applied as it was sent, and said to whoever looks. */
export const warningCodes = ['trial_length', 'trial_days_lost'] as const

/** One thing that looks wrong in a version, in a sentence for billing's engineers. */
export interface Warning {
  readonly code: (typeof warningCodes)[number]
  readonly reason: string
}

/** Billing may count in whole days. */
const TOLERANCE_MS = DAY_MS

/**
 * What a version says of a trial that differs from the catalogue: another length, or days left of it that the first
 * paid period does not hold. Never computed, only flagged; what support does is meant. Source: domain.md, "Trial".
 */
export function flagTrial(
  before: AcceptedSubscription | null,
  event: SubscriptionEvent,
  trial: TrialRule,
): readonly Warning[] {
  if (event.actor === 'support') return []
  const found =
    event.subscription.status === 'trialing' ? flagLength(event, trial) : flagDaysLost(before, event)
  return found === null ? [] : [found]
}

function flagLength({ subscription }: SubscriptionEvent, { days }: TrialRule): Warning | null {
  const { periodStart, periodEnd } = subscription
  const stated = Math.round((periodEnd - periodStart) / DAY_MS)
  if (stated === days) return null
  return {
    code: 'trial_length',
    reason: `the trial runs ${stated} days, from ${toIso(periodStart)} to ${toIso(periodEnd)}; the catalogue says ${days}`,
  }
}

function flagDaysLost(before: AcceptedSubscription | null, event: SubscriptionEvent): Warning | null {
  const { subscription, occurredAt } = event
  const isFirstPaid = before?.status === 'trialing' && subscription.status === 'active'
  const leftMs = (before?.periodEnd ?? 0) - occurredAt
  if (!isFirstPaid || leftMs < TOLERANCE_MS) return null
  const { termMonths, periodEnd } = subscription
  const start = Math.min(subscription.periodStart, occurredAt)
  const expected = Math.min(addMonths(start, termMonths) + leftMs, addMonths(start + leftMs, termMonths))
  if (periodEnd >= expected - TOLERANCE_MS) return null
  const left = Math.floor(leftMs / DAY_MS)
  return {
    code: 'trial_days_lost',
    reason: `${left} days of the trial were left, and ${termMonths} months with them end about ${toIso(expected)}; the period ends ${toIso(periodEnd)}`,
  }
}
