import type { Day } from '../instant.ts'

/** Field of the usage hash that holds a level. */
export function levelField(meter: string): string {
  return meter
}

/** Field of the usage hash that holds what was used of a sum meter on a day. */
export function dayField(meter: string, day: Day): string {
  return `${meter}:${day}`
}

/** Field `<startsAt>|<base>` of a day that a window starts in: `base` belongs to the window before. */
export function splitField(meter: string, day: Day): string {
  return `${meter}:${day}:b`
}

/** Field of the last level (or number of members) recorded on a day of append. */
export function lastLevelField(meter: string, day: Day): string {
  return `${meter}:${day}:l`
}

/** What the fields of units in open holds begin with, before a colon; they are no part of a snapshot. */
export const HELD_PREFIX = 'h'

/** Field of the units in open holds. */
export function heldField(meter: string): string {
  return `${HELD_PREFIX}:${meter}`
}

/** Field that names the newest page of past days that are no longer among the counters. */
export const ARCHIVE_FIELD = 'z'

/** Field that names the facts which stand beside the counters; written and read in `drivers/redis/lua` alone. */
export const FACTS_REVISION_FIELD = 'rev'

/** Fields of the usage hash without a colon that are no level: a level meter of such a name would overwrite them. */
export const RESERVED_FIELDS: readonly string[] = [FACTS_REVISION_FIELD, ARCHIVE_FIELD]

/** A field of one day: whose it is and what it says. */
export interface DayField {
  readonly meter: string
  readonly day: Day
  readonly kind: 'used' | 'split' | 'level'
}

/** The day that a field of the usage hash belongs to; null for the fields without one. */
export function parseDayField(field: string): DayField | null {
  const [, meter, day, suffix] = /^(.+?):(\d{8})(:[bl])?$/.exec(field) ?? []
  if (meter === undefined || day === undefined) return null
  return { meter, day, kind: suffix === ':b' ? 'split' : suffix === ':l' ? 'level' : 'used' }
}
