import type { Intent } from './decision.ts'

/** Something that is asked about one feature. */
export interface CheckItem<Feature extends string = string> {
  readonly feature: Feature
  /** Units to add, 0 … 10^9; 1 when left out. */
  readonly quantity?: number | undefined
  /** `add` when left out: only adding is compared with limits. */
  readonly intent?: Intent | undefined
  readonly meter?: string | undefined
  /** Resource of a distinct meter: one that is already connected costs nothing. */
  readonly subject?: string | undefined
}

/** One question: may this workspace do this? Nothing is counted by asking. */
export interface CheckRequest<Feature extends string = string> extends CheckItem<Feature> {
  readonly workspace: string
  /** A past instant, ISO-8601: answered from history. */
  readonly at?: string | undefined
  /** Wait until everything appended longer ago than this is counted. */
  readonly minFreshnessMs?: number | undefined
  /** An event id that consuming or committing returned: wait until it is counted. */
  readonly after?: string | undefined
  /** With the trace. */
  readonly explain?: boolean | undefined
}

/** Up to 100 questions of one workspace, decided together. */
export interface ChecksRequest<Feature extends string = string> {
  readonly workspace: string
  readonly items: readonly CheckItem<Feature>[]
  readonly explain?: boolean | undefined
}

/** Something to use. */
export interface UseItem<Feature extends string = string> {
  readonly feature: Feature
  /** Units to use, 1 … 10^9; 1 when left out. */
  readonly quantity?: number | undefined
  /** Needed when the feature has several meters. */
  readonly meter?: string | undefined
  /** Needed when the meter counts resources. */
  readonly subject?: string | undefined
  /** Its weight in the catalogue replaces the quantity. */
  readonly function?: string | undefined
}

/** Up to 100 uses of one workspace: all of them, none, or with `partial` as much as fits. */
export interface ConsumeRequest<Feature extends string = string> {
  readonly workspace: string
  /**
   * Unique in the workspace, at most 100 of `A-Za-z0-9._:-` and more than `.` or `..` alone; the same id and body never counts
   * twice. Made for the call when left out: give your own (of the job, the message) when the call may be repeated after a
   * crash.
   */
  readonly id?: string | undefined
  readonly items: readonly UseItem<Feature>[]
  /** When it happened, ISO-8601, at most 24 h ago; the same on each retry. Now when left out. */
  readonly occurredAt?: string | undefined
  readonly partial?: boolean | undefined
}

/** What to hold for a while without counting it. */
export interface ReserveRequest<Feature extends string = string> extends ConsumeRequest<Feature> {
  /** How long it is held, at most 900,000 ms; 60,000 when left out. */
  readonly ttlMs?: number | undefined
}

/** Names a reservation. */
export interface ReservationName {
  readonly workspace: string
  readonly id: string
}

/** Counts what was used of a reservation; the rest is given back. */
export interface CommitRequest extends ReservationName {
  /** What was used of each item, at most what was granted; all of it when left out. */
  readonly quantities?: readonly number[] | undefined
}

/** Time for one call, where it differs from the client's. */
export interface CallOptions {
  /** Of one attempt, ms. */
  readonly timeoutMs?: number | undefined
  /** Of all attempts and the pauses between them, ms. */
  readonly patienceMs?: number | undefined
}
