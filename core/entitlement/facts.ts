import type { Amount } from '../amount.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
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
  /** Noted in shadow mode, where nobody is told: it counts while the feature is in it. */
  readonly untold?: true
}

/** Stands for since when a crossing counts where nobody knows it: from the look that finds it. */
export const WHEN_JUDGED: Instant = Number.MAX_SAFE_INTEGER

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

/** The crossing that counts for a feature; a grace that nobody was told of begins when the feature is enforced. */
export function crossingOf(
  { crossings }: WorkspaceFacts,
  featureKey: string,
  feature: Feature,
): Crossing | null {
  const crossing = ownValue(crossings, featureKey) ?? null
  return crossing?.untold === true && feature.mode !== 'shadow' ? null : crossing
}
