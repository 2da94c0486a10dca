import type { Crossing } from '../entitlement/facts.ts'
import type { Instant } from '../instant.ts'
import { NOTHING_TOLD, type Notice, type Told } from './notice.ts'

/**
 * What comparing a workspace with its limits and dates came to: number n of it, inserted once.
 *
 * Its notices are published before number n + 1 is inserted, so that only the newest can be unpublished.
 */
export interface Judgement {
  /** Since when the limits with grace have been reached; only those in force. */
  readonly crossings: Readonly<Record<string, Crossing>>
  /** What has been told, the notices of this judgement included. */
  readonly told: Told
  readonly notices: readonly Notice[]
  readonly judgedAt: Instant
}

/** Judgement number 0. */
export const NOT_JUDGED: Judgement = { crossings: {}, told: NOTHING_TOLD, notices: [], judgedAt: 0 }
