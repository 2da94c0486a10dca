/** A point in time: epoch milliseconds, UTC. */
export type Instant = number

/** A UTC calendar day as `yyyymmdd`, the name of a flow bucket. */
export type Day = string

/** Milliseconds of a second. */
export const SECOND_MS = 1_000
/** Milliseconds of a minute. */
export const MINUTE_MS = 60_000
/** Milliseconds of an hour. */
export const HOUR_MS = 3_600_000
/** Milliseconds of a UTC day. */
export const DAY_MS = 86_400_000

/** The first instant that no date of four digits names. */
const YEAR_10000: Instant = 253_402_300_800_000

/** Whether an instant from outside has a date that everybody can write: from 1970, before the year 10000. */
export function isDatable(instant: Instant): boolean {
  return instant >= 0 && instant < YEAR_10000
}

/** The instant; of one after the year 9999 the last that everybody can write. */
export function cappedToDate(instant: Instant): Instant {
  return Math.min(instant, YEAR_10000 - 1)
}

const dayNames = new Map<number, Day>()

/** The UTC day an instant falls in. */
export function dayOf(instant: Instant): Day {
  const number = Math.floor(instant / DAY_MS)
  const known = dayNames.get(number)
  if (known !== undefined) return known
  const name = new Date(number * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')
  if (dayNames.size > 10_000) dayNames.clear()
  dayNames.set(number, name)
  return name
}

/** 00:00:00.000 UTC of the day an instant falls in. */
export function startOfDay(instant: Instant): Instant {
  return Math.floor(instant / DAY_MS) * DAY_MS
}

/** The first instant of a `yyyymmdd` day, or null for a day that does not exist. */
export function parseDay(day: Day): Instant | null {
  if (!/^\d{8}$/.test(day)) return null
  const instant = Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6, 8)))
  return dayOf(instant) === day ? instant : null
}

/** A day, perhaps a time of it, perhaps with its zone. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[Tt\s](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)([Zz]|[+-]\d{2}:?\d{2})?)?$/

/**
 * The instant that a text states: a day, `yyyy-mm-dd`, or a time of it, in UTC where it names no zone, whatever that of the
 * machine is. Null for one that does not exist, as on 31 June, and for any other text.
 */
export function parseInstant(text: string): Instant | null {
  const [, day, time = '00:00', zone = 'Z'] = INSTANT.exec(text) ?? []
  if (day === undefined) return null
  const instant = Date.parse(`${day}T${time}${zone}`)
  if (Number.isNaN(instant)) return null
  return new Date(Date.parse(day)).toISOString().startsWith(day) ? instant : null
}

const secondTexts = new Map<number, string>()

/** ISO-8601 UTC with milliseconds, as every answer prints time; RangeError for what is not a time. */
export function toIso(instant: Instant): string {
  const second = Math.floor(instant / SECOND_MS)
  const known = secondTexts.get(second)
  if (known !== undefined && Number.isInteger(instant)) return `${known}${milliseconds(instant)}Z`
  const text = new Date(instant).toISOString()
  if (secondTexts.size > 10_000) secondTexts.clear()
  secondTexts.set(second, text.slice(0, -4))
  return text
}

function milliseconds(instant: Instant): string {
  return String(instant - Math.floor(instant / SECOND_MS) * SECOND_MS).padStart(3, '0')
}
