import type { Override } from '../entitlement/facts.ts'
import type { Instant } from '../instant.ts'

/** Who changed something: a key of the API, or a person at the command line. Never a secret. */
export interface Actor {
  readonly kind: 'key' | 'cli' | 'setup'
  /** Id of the key, or user and machine. */
  readonly id: string
  readonly label: string
}

/** A change of one override, as it is recorded: this record *is* the change. */
export interface OverrideRecord {
  readonly action: 'override'
  readonly feature: string
  readonly at: Instant
  readonly by: Actor
  readonly reason: string
  /** null = there was none, or none any more. */
  readonly before: Override | null
  readonly override: Override | null
}

/** A key that was made or ended; recorded before it is. */
export interface KeyRecord {
  readonly action: 'key_created' | 'key_revoked'
  /** The eight characters by which a key is looked up. */
  readonly key: string
  readonly at: Instant
  readonly by: Actor
  readonly before: unknown
  readonly after: unknown
}

/** A partition of the usage log that was begun anew; recorded before it is. */
export interface RebaseRecord {
  readonly action: 'rebase'
  readonly at: Instant
  readonly by: Actor
  readonly partition: number
  /** The new log, when it was taken over. */
  readonly low: number
  readonly high: number
  /** Last offset of the old log that was counted. */
  readonly counted: number
  /** What happened to the log, and the offset that counting goes on after; absent in records of earlier versions. */
  readonly cause?: 'made anew' | 'lost its end'
  readonly goesOnAfter?: number
  /** The operator said that all of the old log had been counted. */
  readonly isComplete: boolean
}

/** An event that sets counters, instead of adding to them. */
export interface CorrectedUsage {
  readonly record: string
  readonly id: string
  readonly source: string
  /** What the meters said by then, null where that was not known; the log decides what came in between. */
  readonly before: Readonly<Record<string, number>> | null
  readonly after: Readonly<Record<string, number>>
}

/** Counters of a workspace that were set by hand; recorded before the events are written. */
export interface CorrectionRecord {
  readonly action: 'usage_set'
  readonly at: Instant
  readonly by: Actor
  /** Where the events were read, at the command line. */
  readonly file?: string
  readonly events: readonly CorrectedUsage[]
}

/** A command that changes usage of many workspaces; recorded before it sends anything, an import also when it ended. */
export interface BulkRecord {
  readonly action: 'import_begun' | 'import_ended' | 'redrive'
  readonly at: Instant
  readonly by: Actor
  /** The file, or which letters were meant. */
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}
