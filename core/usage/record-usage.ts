import type { DeadLetterCode } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { appendTimeOf, faultOfTime } from './append-time.ts'
import { type MeasureContext, measure } from './measure.ts'
import { type CounterChange, faultOfEnvelope, type UsageEvent } from './usage-event.ts'

/** A decoded usage record with what Kafka says of it. */
export interface UsageRecord {
  readonly record: string
  readonly event: UsageEvent
  /** Key of the Kafka record. */
  readonly key: string | null
  readonly kafkaTime: Instant
  /** Value of the append time header, null when absent or not trusted here. */
  readonly appendTimeHeader: string | null
}

/** What becomes of a usage record: it counts, or it is a dead letter. */
export type RecordedUsage =
  | {
      readonly ok: true
      readonly event: UsageEvent
      readonly appendedAt: Instant
      readonly changes: readonly CounterChange[]
    }
  | { readonly ok: false; readonly code: DeadLetterCode; readonly reason: string }

/**
 * Takes a usage event in: envelope, time, then what it means for counters.
 *
 * Pure: the same record always ends the same way under the same meter definitions, also on a replay years later.
 */
export function recordUsage(usage: UsageRecord, context: MeasureContext): RecordedUsage {
  const { event } = usage
  const fault = faultOfEnvelope(event, usage.key)
  if (fault !== null) return { ok: false, code: 'invalid_field', reason: fault }
  const append = appendTimeOf(usage.kafkaTime, usage.appendTimeHeader)
  const late = faultOfTime(event.occurredAt, append)
  if (late !== null) return { ok: false, ...late }
  const measured = measure(usage.record, event, context, append.at)
  if (!measured.ok) return measured
  return { ok: true, event, appendedAt: append.at, changes: measured.changes }
}
