import type { DeadLetterCode } from '../errors.ts'
import { type Day, type Instant, isDatable } from '../instant.ts'

/** The fields every usage record begins with (api.md); the rest stand beside them under their own names. */
export interface UsageEvent {
  readonly id: string
  readonly workspace: string
  readonly occurredAt: Instant
  readonly source: string
  readonly reservation: string | null
  readonly [field: string]: unknown
}

/** A change that an event makes to one counter of its workspace. */
export type CounterChange =
  /** level: signed units on what exists now. */
  | { readonly kind: 'add'; readonly meter: string; readonly units: number }
  /** level: what exists now, absolutely. `isStated`: by the product's own count, so that a difference is drift. */
  | { readonly kind: 'set'; readonly meter: string; readonly units: number; readonly isStated?: true }
  /** sum: units used on a UTC day. */
  | {
      readonly kind: 'flow'
      readonly meter: string
      readonly day: Day
      readonly units: number
      readonly occurredAt: Instant
    }
  /** distinct: a resource begins or ceases to be one of the members. */
  | { readonly kind: 'join' | 'leave'; readonly meter: string; readonly subject: string }
  /** distinct: exactly these are the members, each named once; `isStated` as for a level. */
  | {
      readonly kind: 'members'
      readonly meter: string
      readonly subjects: readonly string[]
      readonly isStated?: true
    }
  /** sum: a window starts inside a day; what the day holds so far belongs to the window before. */
  | { readonly kind: 'split'; readonly meter: string; readonly day: Day; readonly startsAt: Instant }

/** What an event means for counters, or why it may not count. */
export type Measured =
  | { readonly ok: true; readonly changes: readonly CounterChange[] }
  | { readonly ok: false; readonly code: DeadLetterCode; readonly reason: string }

/** Refuses an event with a code and a sentence. */
export function refuse(code: DeadLetterCode, reason: string): Measured {
  return { ok: false, code, reason }
}

/** Source of the events that Tallygate itself produces; `~` in ids is ours alone, too. */
export const OWN_SOURCE = 'tallygate'

const PRODUCER_ID = /^[A-Za-z0-9._:-]{1,128}$/
const OWN_ID = /^[A-Za-z0-9._:~-]{1,256}$/
const WORKSPACE_ID = /^[A-Za-z0-9._:-]{1,64}$/

/** Whether a text is a workspace id: 1–64 of `A-Za-z0-9._:-`. */
export function isWorkspaceId(text: unknown): text is string {
  return typeof text === 'string' && WORKSPACE_ID.test(text)
}

/** Whether a text is an id a producer may use: 1–128 of `A-Za-z0-9._:-`. */
export function isProducerId(text: unknown): text is string {
  return typeof text === 'string' && PRODUCER_ID.test(text)
}

/** What is wrong with the fields that every usage record has, or null. */
export function faultOfEnvelope(event: UsageEvent, key: string | null): string | null {
  if (!isWorkspaceId(event.workspace)) return 'workspace must be 1–64 of A-Za-z0-9._:-'
  if (key !== event.workspace) return `the record key must be its workspace ${event.workspace}`
  if (!WORKSPACE_ID.test(event.source)) return 'source must be 1–64 of A-Za-z0-9._:-'
  const own = event.source === OWN_SOURCE
  if (!(own ? OWN_ID : PRODUCER_ID).test(event.id)) return 'id must be 1–128 of A-Za-z0-9._:-'
  if (own && !event.id.includes('~')) return `source ${OWN_SOURCE} is reserved; name the producing service`
  if (event.occurredAt === 0 || !isDatable(event.occurredAt))
    return 'occurredAt must be after 1970 and before the year 10000'
  return null
}
