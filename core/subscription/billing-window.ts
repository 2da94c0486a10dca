import { DAY_MS, type Day, dayOf, type Instant, startOfDay } from '../instant.ts'
import { dayInMonth, monthOf } from './calendar.ts'

/** A UTC day inside which a window starts: what its bucket held at `startsAt` (`base`) belongs to the one before. */
export interface SplitDay {
  readonly day: Day
  readonly startsAt: Instant
}

/** A window of flow usage, `[from, to)`: its use is the sum of its days' buckets, less what splits take off. */
export interface BillingWindow {
  readonly from: Instant
  readonly to: Instant
  /** Every UTC day that the window touches, `yyyymmdd`, ascending. */
  readonly days: readonly Day[]
  /** The window starts inside its first day: take that day's bucket minus its `base`. */
  readonly splitDay: SplitDay | null
  /** The next window started inside the last day of this one: take that day's `base` alone. */
  readonly endSplit: SplitDay | null
  /** When a new full allowance begins; null when access ends first. */
  readonly resetsAt: Instant | null
}

/** What windows depend on. */
export interface WindowTerms {
  /** Day of the month, 1–31; in a shorter month its last day. */
  readonly anchorDay: number
  /** Exact start of the first window; null = the anchor alone decides. */
  readonly windowStartsAt: Instant | null
  /** End of what is paid (or of the trial): from here on no new window begins. */
  readonly paidUntil: Instant
  /** End of access, ≥ `paidUntil` by the processing window. */
  readonly accessEnd: Instant
}

/**
 * The flow window that holds an instant, clamped to the windows there are: the first one before, the last after.
 *
 * Windows are `[00:00 UTC of the anchor day, next anchor day)`, always computed from the original anchor. The
 * first one starts exactly at `windowStartsAt`; the last one ends exactly at the end of access, and no window
 * begins in the processing window, so that an unpaid renewal brings no new allowance. Source: design.md, "Flow
 * windows"; domain.md, "anchor day".
 */
export function windowAt(terms: WindowTerms, at: Instant): BillingWindow {
  const { anchorDay, windowStartsAt, paidUntil, accessEnd } = terms
  const earliest = windowStartsAt ?? Number.NEGATIVE_INFINITY
  const inside = Math.max(Math.min(at, paidUntil - 1), earliest)
  const month = monthOf(inside)
  const isBeforeAnchor = inside < dayInMonth(month, anchorDay)
  const anchor = dayInMonth(isBeforeAnchor ? month - 1 : month, anchorDay)
  const nextAnchor = dayInMonth(isBeforeAnchor ? month : month + 1, anchorDay)
  const from = Math.max(anchor, earliest)
  const resetsAt = nextAnchor < paidUntil ? nextAnchor : null
  const to = resetsAt ?? Math.max(accessEnd, from)
  return { from, to, days: daysOf(from, to), splitDay: splitAt(from), endSplit: null, resetsAt }
}

/** The same window, ended early by one that started at an instant inside it. */
export function cutWindow(window: BillingWindow, nextStartsAt: Instant): BillingWindow {
  const { from } = window
  const days = daysOf(from, nextStartsAt)
  return { ...window, to: nextStartsAt, days, endSplit: splitAt(nextStartsAt), resetsAt: nextStartsAt }
}

/** The day an instant splits; null at 00:00, which splits nothing. */
export function splitAt(startsAt: Instant): SplitDay | null {
  return startOfDay(startsAt) === startsAt ? null : { day: dayOf(startsAt), startsAt }
}

function daysOf(from: Instant, to: Instant): readonly Day[] {
  const days: Day[] = []
  for (let day = startOfDay(from); day < to; day += DAY_MS) days.push(dayOf(day))
  return from < to ? days : []
}
