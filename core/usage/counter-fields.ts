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

/** Field of the units in open holds. */
export function heldField(meter: string): string {
  return `h:${meter}`
}
