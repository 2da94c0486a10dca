import type { Amount } from '../amount.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { Instant } from '../instant.ts'
import type { AccessState } from '../subscription/access.ts'
import type { BillingWindow } from '../subscription/billing-window.ts'
import type { TraceStep } from './decision.ts'

/** What set the limit: the plan's formula, or an override. */
export const limitSources = ['plan', 'override', 'none'] as const
export type LimitSource = (typeof limitSources)[number]

/**
 * A workspace's right to one feature, resolved from facts and catalogue at an instant; counters play no part.
 *
 * Holds over `[resolvedAt, validUntil)` while facts and catalogue stay the same.
 */
export interface Entitlement {
  readonly workspace: string
  readonly featureKey: string
  readonly feature: Feature
  readonly access: AccessState
  readonly status: string
  readonly plan: string | null
  readonly planVersion: string | null
  readonly seats: number
  /** For a switch: its own state. For the rest: whether the switch it requires is on (true without one). */
  readonly on: boolean
  /** An override has that switch off, not the plan: no plan would turn it on. */
  readonly isOffByOverride: boolean
  /** null = unlimited (and for switches). */
  readonly limit: Amount | null
  readonly source: LimitSource
  /** Only for flow features with a running or last subscription. */
  readonly window: BillingWindow | null
  /** When the next window gives a new allowance; null when none follows in what is paid. */
  readonly resetsAt: Instant | null
  /** What holds at `resetsAt`, where there is one: a pack or an override may have ended by then. */
  readonly atReset?: Pick<Entitlement, 'on' | 'limit'>
  /** Currency the subscription is paid in; null without one. */
  readonly currency: string | null
  /** Order that waits for its payment, if any. */
  readonly openOrderId: string | null
  readonly resolvedAt: Instant
  readonly validUntil: Instant
  /** Steps status → plan → seats → add-ons → override → limit. */
  readonly trace: readonly TraceStep[]
}

/** Whether an entitlement that was resolved earlier is still right at an instant. */
export function holdsAt({ resolvedAt, validUntil }: Entitlement, now: Instant): boolean {
  return resolvedAt <= now && now < validUntil
}
