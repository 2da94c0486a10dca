import type { Amount } from '../amount.ts'
import type { Instant } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'

/** An absolute limit for one workspace that replaces the plan's formula until it ends. */
export interface Override {
  /** null = unlimited. */
  readonly limit: Amount | null
  readonly until: Instant | null
  readonly reason: string
}

/** Since when counted use has been at or over a feature's limit. */
export interface Crossing {
  readonly since: Instant
}

/**
 * What is true of a workspace beside its counters: the fold of its subscription versions, its overrides, its
 * crossings.
 *
 * `revision` rises with each stored fact; parsed facts are cached under it.
 */
export interface WorkspaceFacts {
  readonly revision: string
  readonly subscription: AcceptedSubscription | null
  readonly overrides: Readonly<Record<string, Override>>
  readonly crossings: Readonly<Record<string, Crossing>>
}
