import type { Instant } from '../instant.ts'
import { addMonths } from '../subscription/add-months.ts'

/** Time that is paid for: whole months, and a part of one more. */
export interface ChargedTime {
  readonly months: number
  /** `ms` of a month of `ofMs` milliseconds; null when the months are whole. */
  readonly part: { readonly ms: number; readonly ofMs: number } | null
}

/**
 * The time from an instant until a period ends; none once it has ended.
 *
 * Whole months are counted back from the end, each from the end itself so that the 31st clamps and comes back;
 * what is left before them is a part of the month that it lies in. Source: domain.md, "proration".
 */
export function timeUntil(end: Instant, at: Instant): ChargedTime {
  if (at >= end) return { months: 0, part: null }
  const apart = monthOf(end) - monthOf(at)
  const months = addMonths(end, -apart) >= at ? apart : apart - 1
  const begin = addMonths(end, -months)
  if (begin === at) return { months, part: null }
  return { months, part: { ms: begin - at, ofMs: begin - addMonths(end, -(months + 1)) } }
}

/** More whole months on top of a time. */
export function plusMonths(time: ChargedTime, months: number): ChargedTime {
  return { months: time.months + months, part: time.part }
}

/** A time, or as many whole months when it is shorter than that. */
export function atLeastMonths(time: ChargedTime, months: number): ChargedTime {
  return time.months >= months ? time : { months, part: null }
}

function monthOf(instant: Instant): number {
  const date = new Date(instant)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
