import type { Catalogue } from './catalogue/catalogue.ts'
import type { KnownAccuracy } from './entitlement/accuracy.ts'
import type { WorkspaceFacts } from './entitlement/facts.ts'
import type { StoredHistory } from './history/past-facts.ts'
import type { Day, Instant } from './instant.ts'
import type { Judgement } from './notices/judgement.ts'
import type { Notice } from './notices/notice.ts'
import type { UnjudgedChange } from './notices/reached-at.ts'
import type {
  CommitOutcome,
  HoldBasis,
  HoldOutcome,
  HoldWish,
  OperationName,
  ReleaseOutcome,
} from './usage/hold.ts'
import type { OwnUsage } from './usage/own-usage.ts'
import type { ReadPlan } from './usage/read-plan.ts'

/** What Redis says of one workspace at one moment: one script, so all of it is from the same instant. */
export interface CounterReading {
  /** `rebuilding`: this shard has not caught up with what was known; its figures must not be used. */
  readonly state: 'ready' | 'rebuilding'
  /** Revision of the facts in force; '' when none was ever written. */
  readonly factsRevision: string
  /** Catalogue revision in force. */
  readonly catalogueRevision: number
  /** Everything appended up to here is counted. */
  readonly asOf: Instant
  readonly lagMs: number
  readonly exact: boolean
  /** Redis' own clock. */
  readonly now: Instant
  /** Whether anything was ever counted of the workspace, or facts of it written. */
  readonly isKnown: boolean
  /** Value of each field the plan named, null when absent. */
  readonly fields: Readonly<Record<string, string | null>>
  /** Members of each distinct meter the plan named. */
  readonly sizes: Readonly<Record<string, number>>
  /** Whether each subject of the plan is a member, by `memberKey`. */
  readonly membership: Readonly<Record<string, boolean>>
  /** Whether each subject of the plan is named by an open hold, by `memberKey`. */
  readonly heldSubjects: Readonly<Record<string, boolean>>
  /** What of the workspace was not judged yet; the judge alone asks for it. */
  readonly unjudged?: Unjudged
  /** Until when its figures are those in force; absent where nobody tells of changes. */
  readonly standing?: Standing
}

/** What changed of a workspace since the judge looked at it. */
export interface Unjudged {
  /** As it is kept, by which it is taken off once it was judged; '' when there is nothing. */
  readonly kept: string
  /** In the order in which it was counted. */
  readonly changes: readonly UnjudgedChange[]
}

/** Whether a reading is still what Redis would say (ADR 0016). */
export interface Standing {
  /** How far it can be trusted by now; null once anything of it may be different, or too long ago. */
  now(): StandingNow | null
}

/** A reading that still stands: its accuracy by Redis' clock, and the catalogue revision in force. */
export interface StandingNow extends KnownAccuracy {
  readonly now: Instant
  readonly catalogueRevision: number
}

/** Reads counters. Throws `unavailable` when they cannot be reached in time. */
export interface CounterStore {
  read(workspace: string, plan: ReadPlan): Promise<CounterReading>
}

/** Which events are counted, as of one instant. */
export interface CountedEvents {
  readonly counted: readonly boolean[]
  /** Everything that was appended up to here is counted. */
  readonly asOf: Instant
  /** Redis' own clock. */
  readonly now: Instant
}

/** Places and resolves holds. Throws `unavailable` when Redis does not answer; then it is not known what it did. */
export interface HoldStore {
  hold(wish: HoldWish, basis: HoldBasis): Promise<HoldOutcome>
  /** `quantities`: what was used of each item, null = all of it. */
  commit(name: OperationName, quantities: readonly number[] | null): Promise<CommitOutcome>
  release(name: OperationName): Promise<ReleaseOutcome>
  /** Keeps the first answer of an operation and gives it back; null when the operation is not known (any more). */
  keepAnswer(
    name: OperationName,
    kept: { readonly fingerprint: string; readonly answer: string },
  ): Promise<string | null>
  /** Which of our own events are counted; null while that is being rebuilt. */
  counted(workspace: string, eventIds: readonly string[]): Promise<CountedEvents | null>
  /** Redis' clock as it was last seen to be: never ahead of it unless clocks jump. */
  now(): Instant
}

/** Writes our own usage events to the log. */
export interface UsageSink {
  /** Throws `unavailable` while the log is known to take nothing: better said before anything is held. */
  requireReachable(): void
  /** Resolves when every in-sync replica has all of them. Throws `unknown` when that cannot be said. */
  produce(events: readonly OwnUsage[]): Promise<void>
}

/** A page of past days of one workspace. */
export interface PastDays {
  /** No day of it, nor of a page before it, is later. */
  readonly through: Day
  readonly previous: string | null
  /** By the name of the counters' field. */
  readonly figures: Readonly<Record<string, number>>
}

/** Days that the counters no longer hold. Throws `unavailable` when they cannot be reached. */
export interface DayArchive {
  page(name: string): Promise<PastDays>
}

/** Reads the facts of a workspace. Throws `unavailable` when nothing current enough can be had. */
export interface FactStore {
  /** Facts this process holds that cover `revision` and are fresh enough; null when they must be loaded. */
  current(workspace: string, revision: string): WorkspaceFacts | null
  /** Facts at least as new as `revision`; an empty revision takes whatever is stored. */
  load(workspace: string, revision: string): Promise<WorkspaceFacts>
  /** What is stored now, read past every cache and written through; `since`: see `Crossing`, or `WHEN_JUDGED`. */
  refresh(workspace: string, since: Instant | null): Promise<WorkspaceFacts>
  /** Facts this process holds already, however old; null without any. */
  remembered(workspace: string): WorkspaceFacts | null
}

/** Keeps the judgements of workspaces, by insert only. */
export interface JudgementStore {
  /** Judgement number `number` of a workspace; `NOT_JUDGED` for number 0. */
  read(workspace: string, number: number): Promise<Judgement>
  /** Stores judgement number `number` of a workspace; false when another took that number. */
  append(workspace: string, number: number, judgement: Judgement): Promise<boolean>
}

/** Publishes notices: at least once on the wire, exactly once by id in the log of notices. */
export interface NoticeSink {
  /** Resolves when each is acknowledged and logged; one that was logged before is left alone. */
  settle(notices: readonly Notice[]): Promise<void>
}

/** Reads what was stored, as of an instant. Throws `unavailable` when it cannot be had. */
export interface HistoryStore {
  /** The catalogue in force then; with `wasInForce` false the first one, which was stored only afterwards. */
  catalogueAt(at: Instant): Promise<{ readonly catalogue: Catalogue; readonly wasInForce: boolean }>
  historyOf(workspace: string, at: Instant): Promise<StoredHistory>
}

/** Reads revisions of the catalogue. Throws `unavailable` when a revision cannot be had. */
export interface CatalogueStore {
  /** The catalogue at least as new as `revision`. */
  load(revision: number): Promise<Catalogue>
  /** The newest catalogue this process holds. */
  remembered(): Catalogue
}
