import type { Amount } from '../amount.ts'
import type { Instant } from '../instant.ts'

/** What a notice says (api.md, `NoticeEvent`). */
export const noticeTypes = [
  'threshold_crossed',
  'threshold_recovered',
  'grace_started',
  'grace_ended',
  'lapsed',
  'restored',
  'renewal_reminder',
  'renewal_due',
] as const
export type NoticeType = (typeof noticeTypes)[number]

/**
 * Something a person should hear of.
 *
 * The same notice has the same id however often it is sent: `<workspace>/<feature>/<n>` for the n-th notice about
 * a feature, `<workspace>/<type>/<ms>` for the rest, where ms is the end of access or of the period it is about. The
 * n-th lapse of a workspace that is about an end which may have been told before, and the return from it, add `/<n>`.
 */
export interface Notice {
  readonly id: string
  readonly workspace: string
  readonly type: NoticeType
  readonly feature: string | null
  /** Percent of the limit; only for thresholds. */
  readonly threshold: number | null
  /** Units counted when it was judged. */
  readonly used: Amount | null
  /** null = unlimited by then, or not about a limit. */
  readonly limit: Amount | null
  /** When it came true. */
  readonly occurredAt: Instant
}

/** How far the grace of a feature was told: not at all, that it runs, that it is over. */
export const graceStages = ['none', 'started', 'ended'] as const
export type GraceStage = (typeof graceStages)[number]

/** What has been told about one feature. */
export interface FeatureTold {
  /** Notices about the feature so far, and so the number of the last one. */
  readonly count: number
  /** Percents that were told as crossed and not as recovered since, ascending. */
  readonly thresholds: readonly number[]
  /** Beginning of the window that the percents belong to; null for stock, and without any. */
  readonly windowFrom: Instant | null
  readonly grace: GraceStage
}

/** The lapses that were told, so that no two have one id. */
export interface LapsesTold {
  readonly count: number
  /** The latest end of access of them: a later one was never told. */
  readonly latest: Instant
  /** What the ids of the last one, and of the return from it, end with; null for nothing. */
  readonly number: number | null
}

/** What has been told about a workspace: all that must be remembered to tell everything once. */
export interface Told {
  readonly features: Readonly<Record<string, FeatureTold>>
  /** End of access that was told and not followed by `restored` yet. */
  readonly lapsedAt: Instant | null
  /** Left out before the first lapse, and by what was stored before lapses were numbered. */
  readonly lapses?: LapsesTold
  /** End of the period that the last `renewal_reminder` was about. */
  readonly reminderFor: Instant | null
  /** End of the period that the last `renewal_due` was about. */
  readonly dueFor: Instant | null
}

/** Before the first notice. */
export const NOTHING_TOLD: Told = { features: {}, lapsedAt: null, reminderFor: null, dueFor: null }

/** Before the first notice about a feature. */
export const NOTHING_TOLD_OF_FEATURE: FeatureTold = {
  count: 0,
  thresholds: [],
  windowFrom: null,
  grace: 'none',
}
