import type { Aggregation } from '../catalogue/meter.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, SECOND_MS } from '../instant.ts'
import type { BillingWindow } from '../subscription/billing-window.ts'

/** Open items of one workspace at most, so that nobody can squat on holds. */
export const OPEN_ITEMS_MAX = 20_000
/** Longest time that a reservation may be held, ms (api.md). */
export const RESERVATION_MAX_MS = 15 * MINUTE_MS
/** After this the events of an operation are produced again, unless they have settled it. */
export const PRODUCE_AGAIN_MS = 30 * SECOND_MS
/** No hold gets older than this: what is still open then is dropped with an alarm. */
export const HOLD_MAX_MS = 40 * HOUR_MS
/** How long before now an operation may have happened. */
export const OPERATION_AGE_MAX_MS = DAY_MS
/** How far after Redis' time an operation may claim to have happened. */
export const OPERATION_AHEAD_MAX_MS = MINUTE_MS
/** Whether an operation of that time may still be admitted: its event is late for nothing then. */
export function isTimely(occurredAt: Instant, now: Instant): boolean {
  return occurredAt >= now - OPERATION_AGE_MAX_MS && occurredAt <= now + OPERATION_AHEAD_MAX_MS
}

/** How long the same id gets the same answer. */
export const ANSWER_KEPT_MS = 48 * HOUR_MS

/** A meter whose use and holds count against a limit. */
export interface HeldMeter {
  readonly meter: string
  readonly aggregation: Aggregation
  /** Window of a flow feature; null for stock, and where nothing was ever subscribed. */
  readonly window: BillingWindow | null
}

/** A feature that an operation touches, as numbers: what it is compared with. */
export interface HoldGroup {
  /** Units; null = not compared. */
  readonly limit: number | null
  /** The limit binds only from this use on: below it the grace of the feature begins anew. */
  readonly bindsFrom: number
  /** The facts deny it whatever was used. */
  readonly isDenied: boolean
  readonly meters: readonly HeldMeter[]
}

/** What is to be held of one meter. */
export interface HoldItem {
  /** Place of its feature among the groups. */
  readonly group: number
  readonly meter: string
  readonly quantity: number
  /** Resource of a distinct meter. */
  readonly subject: string | null
}

/** Whose operation. */
export interface OperationName {
  readonly workspace: string
  readonly operation: string
}

/** State that a hold begins in: its events are on their way, or it waits for a commit. */
export type HoldState = 'committing' | 'held'

/** One operation that asks for units. */
export interface HoldWish extends OperationName {
  /** The same for the same body. */
  readonly fingerprint: string
  /** When it happened; null = at the time that Redis says. */
  readonly occurredAt: Instant | null
  readonly state: HoldState
  /** When the sweeper looks at it, ms from now: the reservation's time, or when to produce again. */
  readonly dueMs: number
  /** As many units as fit, instead of all or none. */
  readonly partial: boolean
  /** What the decision rests on beside figures; kept with the operation, so that asking again is answered alike. */
  readonly grounds: string
  readonly groups: readonly HoldGroup[]
  readonly items: readonly HoldItem[]
}

/** What the limits of a wish were resolved from, and how long they hold: `[from, until)`. */
export interface HoldBasis {
  readonly factsRevision: string
  readonly catalogueRevision: number
  readonly from: Instant
  readonly until: Instant
}

/** An open hold of an item, with what its event must say. */
export interface OpenItem {
  readonly item: number
  readonly meter: string
  readonly quantity: number
  readonly subject: string | null
  readonly occurredAt: Instant
}

/** Why an item of a distinct meter costs nothing: the resource is a member, or held by another operation. */
export type FreeReason = 'member' | 'held'

/** Use and holds of a group as of before the operation. */
export interface HoldFigures {
  readonly used: number
  readonly held: number
}

/** What is known of an operation after asking. */
export interface HoldReading {
  readonly now: Instant
  readonly factsRevision: string
  readonly catalogueRevision: number
  /** Everything below is as of then: earlier than `now` where the operation is known. */
  readonly decidedAt: Instant
  readonly asOf: Instant
  readonly isLowerBound: boolean
  readonly figures: readonly HoldFigures[]
  /** Units granted to each item. */
  readonly granted: readonly number[]
  readonly free: readonly (FreeReason | null)[]
  /** When a reservation ends; null where nothing was held. */
  readonly deadline: Instant | null
  /** Grounds that were kept of it; null for one that was not known. */
  readonly grounds: string | null
  /** The answer that was kept of it; null when there is none. */
  readonly answer: string | null
  readonly open: readonly OpenItem[]
}

/** What asking for a hold came to. */
export type HoldOutcome =
  | { readonly outcome: 'rebuilding' }
  | {
      /**
       * `held`, `denied`; `again`: known, `conflict`: known with another body; `stale`: resolve the limits anew;
       * `done`: it is counted, or part of it where that is not all or nothing, and its record is gone; `too_old`: of a
       * time that is no longer taken; `full`: too much is open.
       */
      readonly outcome: 'held' | 'denied' | 'again' | 'conflict' | 'stale' | 'done' | 'too_old' | 'full'
      readonly reading: HoldReading
    }

/** What a commit came to. */
export type CommitOutcome =
  | { readonly outcome: 'rebuilding' | 'unknown' }
  | {
      readonly outcome: 'committed' | 'again' | 'expired' | 'settled' | 'resolved' | 'count' | 'too_much'
      readonly now: Instant
      readonly quantities: readonly number[]
      readonly granted: readonly number[]
      readonly open: readonly OpenItem[]
    }

/** What a release came to; `released` also when it was before. */
export type ReleaseOutcome = 'rebuilding' | 'unknown' | 'released' | 'resolved'

/** What the sweeper found of an operation that was due. */
export interface SweepOutcome {
  readonly outcome: 'rebuilding' | 'later' | 'gone' | 'released' | 'produce' | 'dropped'
  readonly now: Instant
  readonly open: readonly OpenItem[]
}
