import type { DeadLetterCode } from '../errors.ts'
import { DAY_MS, HOUR_MS, type Instant, MINUTE_MS, toIso } from '../instant.ts'

/** Header by which a trusted producer states the original append time (ms) of a redriven or imported record. */
export const APPEND_TIME_HEADER = 'tallygate-append-time'

/** How late an event may be against its append time (counting.md, "Clocks"). */
export const LATE_GRACE_MS = 48 * HOUR_MS
/** The same for a record that carries its original append time. */
export const LATE_GRACE_RESTATED_MS = 35 * DAY_MS
/** How far ahead of its append time an event may claim to have happened. */
export const FUTURE_SKEW_MS = 5 * MINUTE_MS

/** Copies of an event that are no further apart count once (counting.md, "dedupe window W"). */
export const DEDUPE_WINDOW_MS = 72 * HOUR_MS

/** When a record counts as appended: by Kafka, or as its header restates. */
export interface AppendTime {
  readonly at: Instant
  readonly restated: boolean
}

/**
 * The append time that lateness and grace are judged by.
 *
 * A header that is not a whole number of milliseconds, or lies after Kafka's own append time, is ignored.
 */
export function appendTimeOf(kafkaTime: Instant, header: string | null): AppendTime {
  if (header === null || !/^\d{1,15}$/.test(header)) return { at: kafkaTime, restated: false }
  const restated = Number(header)
  return restated <= kafkaTime ? { at: restated, restated: true } : { at: kafkaTime, restated: false }
}

/** An event's time that cannot be accepted. */
export interface TimeFault {
  readonly code: DeadLetterCode
  readonly reason: string
}

/** Why an event's time cannot be accepted, or null. A replay judges as the first reading did. */
export function faultOfTime(occurredAt: Instant, append: AppendTime): TimeFault | null {
  const lateMs = append.at - occurredAt
  const graceMs = append.restated ? LATE_GRACE_RESTATED_MS : LATE_GRACE_MS
  if (lateMs > graceMs) {
    const hours = graceMs / HOUR_MS
    const next = append.restated
      ? 'import what it counts'
      : 'unless it had been sent before, redrive it to count it in its own day'
    const reason = `occurredAt ${toIso(occurredAt)} is more than ${hours} h before the record arrived at ${toIso(append.at)}; ${next}`
    return { code: 'too_late', reason }
  }
  return faultOfFuture(occurredAt, append)
}

/** Why an event cannot have happened by when it was appended, or null; a version of a subscription may be as late as it likes. */
export function faultOfFuture(occurredAt: Instant, append: AppendTime): TimeFault | null {
  if (occurredAt - append.at <= FUTURE_SKEW_MS) return null
  const reason = `occurredAt ${toIso(occurredAt)} is more than 5 min after the record arrived at ${toIso(append.at)}; correct the producer's clock`
  return { code: 'from_the_future', reason }
}
