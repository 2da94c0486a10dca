import type { Instant } from '../instant.ts'

/** A calendar month as one number: year × 12 + month from 0. */
export type MonthNumber = number

/** The UTC month an instant falls in. */
export function monthOf(instant: Instant): MonthNumber {
  const date = new Date(instant)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** 00:00 UTC of a day of a month; a day the month does not have is its last one (31 → 28 February). */
export function dayInMonth(month: MonthNumber, day: number): Instant {
  const first = new Date(0).setUTCFullYear(Math.floor(month / 12), month % 12, 1)
  const lastDay = new Date(new Date(first).setUTCMonth((month % 12) + 1, 0)).getUTCDate()
  return new Date(first).setUTCDate(Math.min(day, lastDay))
}

/** The same day and time a number of months later, clamped to the month's last day. */
export function addMonths(instant: Instant, months: number): Instant {
  const timeOfDay = instant - dayInMonth(monthOf(instant), new Date(instant).getUTCDate())
  return dayInMonth(monthOf(instant) + months, new Date(instant).getUTCDate()) + timeOfDay
}
