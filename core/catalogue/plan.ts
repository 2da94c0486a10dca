import type { Amount } from '../amount.ts'
import type { Instant } from '../instant.ts'
import type { Prices } from './price.ts'

/** Whom a change of a plan version reaches: everyone from its date, or only who took the plan since. */
export const reaches = ['all', 'new'] as const
export type Reach = (typeof reaches)[number]

/** A limit as a plan version states it; `base + perSeat × seats`, then kept within `min` and `max`. */
export interface LimitFormula {
  readonly unlimited: boolean
  readonly base: Amount
  readonly perSeat: Amount
  readonly min: Amount | null
  readonly max: Amount | null
  readonly reach: Reach
}

/** A switch as a plan version states it. */
export interface SwitchState {
  readonly on: boolean
  readonly reach: Reach
}

/** A plan's content from a date on. What it does not mention stays as the version before it said. */
export interface PlanVersion {
  /** `yyyy-mm-dd`, as printed in decisions. */
  readonly version: string
  /** 00:00 UTC of that date. */
  readonly from: Instant
  readonly limits: Readonly<Record<string, LimitFormula>>
  readonly switches: Readonly<Record<string, SwitchState>>
  /** Price of one seat; null = as the version before it said. */
  readonly prices: Prices | null
}

/** A plan: its rank among plans (a change to a lower one is a downgrade) and its versions, oldest first. */
export interface Plan {
  readonly rank: number
  readonly versions: readonly PlanVersion[]
}
