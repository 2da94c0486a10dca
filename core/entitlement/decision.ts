import type { Amount } from '../amount.ts'
import type { Intent } from '../catalogue/feature.ts'
import type { Instant } from '../instant.ts'

/** Why a request is allowed. */
export const allowedReasons = [
  'within_limit',
  'unlimited',
  'feature_on',
  'over_limit_grace',
  'degraded_allow',
] as const
export type AllowedReason = (typeof allowedReasons)[number]

/** Why a request is denied. */
export const deniedReasons = [
  'limit_reached',
  'feature_not_in_plan',
  'subscription_lapsed',
  'payment_pending',
  'no_subscription',
  'read_only',
  'degraded_deny',
  'rebuilding',
] as const
export type DeniedReason = (typeof deniedReasons)[number]

/** Why a decision is what it is. */
export type Reason = AllowedReason | DeniedReason

/** Something that would turn this denial into an allow; the first one is the least effort. */
export type Unblock =
  | { readonly action: 'add_seats'; readonly seats: number }
  | { readonly action: 'upgrade'; readonly plan: string }
  | { readonly action: 'add_on'; readonly addOn: string; readonly quantity: number }
  | { readonly action: 'pay'; readonly orderId?: string }
  | { readonly action: 'wait_until'; readonly at: Instant }
  | { readonly action: 'remove'; readonly quantity: number }
  | { readonly action: 'contact_support' }

/** One line of reasoning: which step, what it concluded, in words support can read out. */
export interface TraceStep {
  readonly step:
    | 'history'
    | 'status'
    | 'plan'
    | 'seats'
    | 'add_ons'
    | 'override'
    | 'limit'
    | 'counter'
    | 'verdict'
  readonly detail: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** A window of a flow feature, `[from, to)`. */
export interface Window {
  readonly from: Instant
  readonly to: Instant
}

/** Use past the limit: since when, and until when it is tolerated; nulls when no counted use has crossed yet. */
export interface OverLimit {
  readonly since: Instant | null
  readonly graceEndsAt: Instant | null
}

/** What is asked of one feature. `quantity` counts only with intent `add`. */
export interface Request {
  readonly feature: string
  readonly quantity: Amount
  readonly intent: Intent
  readonly meter?: string
  readonly subject?: string
}

/**
 * The answer of the pure part: allowed or not, why, and the figures behind it.
 *
 * `used`, `held` and `remaining` are as of before the request. `limit` and `remaining` are null for unlimited
 * features and for switches. A denial is a value; only "we could not know" is an error (ADR 0002).
 */
export interface Verdict {
  readonly allowed: boolean
  /** A reason to deny beside `allowed: true` is what enforcing would say: the feature is in shadow mode. */
  readonly reason: Reason
  readonly workspace: string
  readonly feature: string
  readonly quantity: Amount
  readonly limit: Amount | null
  readonly used: Amount
  readonly held: Amount
  readonly remaining: Amount | null
  readonly unlimited: boolean
  readonly window: Window | null
  readonly resetsAt: Instant | null
  readonly plan: string | null
  /** Version of the plan that the limit or switch came from. */
  readonly planVersion: string | null
  /** Status of the subscription as billing states it, `none` without one. */
  readonly status: string
  readonly overLimit: OverLimit | null
  readonly unblock: readonly Unblock[]
  readonly trace: readonly TraceStep[]
}

/** How far the answer can be trusted: everything appended up to `asOf` is counted; nulls when that is not known. */
export interface Accuracy {
  readonly asOf: Instant | null
  readonly lagMs: number | null
  readonly exact: boolean
  readonly degraded: boolean
}

/** What a caller gets: the verdict and its accuracy. */
export interface Decision extends Verdict, Accuracy {}
