import { DAY_MS, type Day, dayOf, type Instant, startOfDay } from '../instant.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** A window of flow usage, `[from, to)`, and the day buckets that make it up. */
export interface BillingWindow {
  readonly from: Instant
  readonly to: Instant
  /** Every UTC day whose use counts: those that the window touches, and those after it in which it still stands. */
  readonly days: readonly Day[]
  /** The first day, when the window begins inside it: what the day held before belongs to the window before. */
  readonly splitDay: { readonly day: Day; readonly startsAt: Instant } | null
}

/** 00:00 UTC of the anchor day in a month counted from 1970-01; a day past the month's end clamps to it. */
function anchorOf(month: number, anchorDay: number): Instant {
  const year = 1970 + Math.floor(month / 12)
  const monthOfYear = ((month % 12) + 12) % 12
  const lastDay = new Date(Date.UTC(year, monthOfYear + 1, 0)).getUTCDate()
  return Date.UTC(year, monthOfYear, Math.min(anchorDay, lastDay))
}

function monthOf(instant: Instant): number {
  const date = new Date(instant)
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}

/**
 * The anchored month that an instant lies in: `[00:00 UTC of the anchor day, the next one)`.
 *
 * Always computed from the original anchor, so that the 31st clamps and comes back (31 Jan → 28 Feb → 31 Mar).
 * Consecutive months tile time. Source: domain.md, G16.
 */
export function anchoredMonth(
  anchorDay: number,
  at: Instant,
): { readonly from: Instant; readonly to: Instant } {
  const month = monthOf(at)
  const here = anchorOf(month, anchorDay)
  if (at >= here) return { from: here, to: anchorOf(month + 1, anchorDay) }
  return { from: anchorOf(month - 1, anchorDay), to: here }
}

/** Every UTC day of `[from, to)`. */
export function daysOf({ from, to }: { readonly from: Instant; readonly to: Instant }): readonly Day[] {
  const days: Day[] = []
  for (let day = startOfDay(from); day < to; day += DAY_MS) days.push(dayOf(day))
  return days
}

/** How long after a lapse use still counts against the last window: no instant makes a window of years. */
export const COUNTED_AFTER_LAPSE_MS = 400 * DAY_MS

/**
 * The flow window of a subscription at an instant.
 *
 * The anchored month, cut where a window began inside it and at the exact end of what is paid: the end of the period, or
 * when it was canceled. Past that end (a processing window, or a lapse) the last window stays: no new allowance begins
 * unpaid, and what is used until `usedUntil`, at most 400 days after that end, counts against the last one.
 */
export function windowAt(
  subscription: AcceptedSubscription,
  at: Instant,
  usedUntil: Instant | null = null,
): BillingWindow {
  const { windowStartsAt } = subscription
  const paidUntil = paidUntilOf(subscription)
  const month = anchoredMonth(anchorDayOf(subscription), Math.min(at, paidUntil - 1))
  const startsInside = windowStartsAt !== null && windowStartsAt > month.from && windowStartsAt < month.to
  const from = startsInside ? windowStartsAt : month.from
  const to = Math.max(Math.min(month.to, paidUntil), from)
  const isSplit = startsInside && from !== startOfDay(from)
  const splitDay = isSplit ? { day: dayOf(from), startsAt: from } : null
  const counted = Math.min(usedUntil ?? 0, paidUntil + COUNTED_AFTER_LAPSE_MS)
  return { from, to, days: daysOf({ from, to: Math.max(to, counted + 1) }), splitDay }
}

/**
 * The window that use at an instant is counted in: also what came before a window that began inside its month, which is
 * all of that month until then and the whole day of the turn.
 */
export function windowHolding(subscription: AcceptedSubscription, at: Instant): BillingWindow {
  const window = windowAt(subscription, at, at)
  if (at >= window.from) return window
  const { from } = anchoredMonth(anchorDayOf(subscription), at)
  return { from, to: window.from, days: daysOf({ from, to: window.from }), splitDay: null }
}

/** Until when a subscription is paid: to the end of its period, or to when it was canceled. No window begins then or later. */
export function paidUntilOf({ status, occurredAt, periodEnd }: AcceptedSubscription): Instant {
  return status === 'canceled' ? Math.min(occurredAt, periodEnd) : periodEnd
}

function anchorDayOf({ status, periodStart, anchorDay }: AcceptedSubscription): number {
  return status === 'trialing' ? new Date(periodStart).getUTCDate() : anchorDay
}
