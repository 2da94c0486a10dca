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

/** What is asked: only `add` is compared with limits. */
export type Intent = 'read' | 'use' | 'add'

/** Something that would turn a denial into an allow; the first one is the least effort. */
export interface Unblock {
  readonly action: 'add_seats' | 'upgrade' | 'add_on' | 'pay' | 'wait_until' | 'remove' | 'contact_support'
  readonly seats?: number
  readonly plan?: string
  readonly addOn?: string
  readonly quantity?: number
  readonly orderId?: string
  /** ISO-8601 UTC, for `wait_until`. */
  readonly at?: string
}

/** One line of reasoning, in words support can read out. */
export interface TraceStep {
  readonly step: string
  readonly detail: string
  readonly data?: unknown
}

/**
 * The answer to "may this workspace do this?". A denial is an answer, never an error.
 *
 * Times are ISO-8601 UTC. `used`, `held` and `remaining` are as of before the request; `limit` and `remaining` are null
 * for unlimited features and for switches.
 */
export interface Decision<Feature extends string = string> {
  /** May it be done; true for every request of a feature in shadow mode. */
  readonly allowed: boolean
  /** In shadow mode the reason that enforcing would give. */
  readonly reason: AllowedReason | DeniedReason
  readonly workspace: string
  readonly feature: Feature
  readonly quantity: number
  readonly limit: number | null
  readonly used: number
  readonly held: number
  readonly remaining: number | null
  readonly unlimited: boolean
  readonly window: { readonly from: string; readonly to: string } | null
  readonly resetsAt: string | null
  readonly plan: string | null
  readonly planVersion: string | null
  /** Status of the subscription; `none` without one, `unknown` when nobody could be asked. */
  readonly status: string
  readonly overLimit: { readonly since: string | null; readonly graceEndsAt: string | null } | null
  readonly unblock: readonly Unblock[]
  /** Everything appended up to here is counted; null when that is not known. */
  readonly asOf: string | null
  readonly lagMs: number | null
  /** At most a second behind, and nothing missing. */
  readonly exact: boolean
  /** Given by policy (the feature's own, or this client's `onUnavailable`), not from figures. */
  readonly degraded: boolean
  /** With `explain`. */
  readonly trace?: readonly TraceStep[]
  /** How long ago it was asked, ms: 0 when it was asked now, at most `cacheMs` when it comes from the cache. */
  readonly cachedForMs: number
}

/** Decisions of several requests; `allowed` when all of them fit together. */
export interface Decisions<Feature extends string = string> {
  readonly allowed: boolean
  readonly decisions: readonly Decision<Feature>[]
}
