import { expect, test } from 'vitest'
import { seededRandom, seedOfRun } from '../../test/helpers/random.ts'
import { DAY_MS, toIso } from '../instant.ts'
import { anchoredMonth, daysOf, windowAt, windowHolding } from './billing-window.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** Walks day by day: the newest day up to `at` that is the anchor's day in its month, or the month's last. */
function naiveStart(anchorDay: number, at: number): number {
  for (let day = Math.floor(at / DAY_MS) * DAY_MS; ; day -= DAY_MS) {
    const isLastOfMonth = new Date(day + DAY_MS).getUTCDate() === 1
    const date = new Date(day).getUTCDate()
    if (date === anchorDay || (isLastOfMonth && date < anchorDay)) return day
  }
}

test('G16: a window begins on the anchor day or the last day of a shorter month, against a naive walk', () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  const from = Date.UTC(1970, 0, 1)
  const days = (Date.UTC(2100, 0, 1) - from) / DAY_MS
  for (let sample = 0; sample < 20_000; sample += 1) {
    const anchor = 1 + below(31)
    const at = from + below(days) * DAY_MS + below(DAY_MS)
    const month = anchoredMonth(anchor, at)
    const where = `seed ${seed}, anchor ${anchor}, ${toIso(at)}`
    expect(month.from, where).toBe(naiveStart(anchor, at))
    expect(naiveStart(anchor, month.to), `${where}: ends where the next begins`).toBe(month.to)
    expect(naiveStart(anchor, month.to - 1), `${where}: nothing begins inside`).toBe(month.from)
    expect(at >= month.from && at < month.to, where).toBe(true)
  }
})

test('G16: consecutive months tile 1970–2100, one for each calendar month, on every anchor', () => {
  for (let anchor = 1; anchor <= 31; anchor += 1) {
    let month = anchoredMonth(anchor, Date.UTC(1970, 0, 31))
    for (let count = 0; count < 130 * 12; count += 1) {
      const next = anchoredMonth(anchor, month.to)
      expect(next.from, `anchor ${anchor}, ${toIso(month.to)}`).toBe(month.to)
      expect(anchoredMonth(anchor, next.from - 1), `anchor ${anchor}, ${toIso(next.from)}`).toEqual(month)
      month = next
    }
    expect(toIso(month.from).slice(0, 7), `anchor ${anchor}`).toBe('2100-01')
  }
})

test('G16: the 31st clamps to the last day and comes back', () => {
  const starts = ['2026-02-10', '2026-03-10', '2026-04-10', '2028-03-01'].map((day) =>
    toIso(anchoredMonth(31, Date.parse(day)).from).slice(0, 10),
  )
  expect(starts).toEqual(['2026-01-31', '2026-02-28', '2026-03-31', '2028-02-29'])
})

const subscription = {
  status: 'active',
  anchorDay: 10,
  periodStart: Date.parse('2026-03-10T09:00:00Z'),
  periodEnd: Date.parse('2026-09-10T09:00:00Z'),
  windowStartsAt: Date.parse('2026-03-10T09:00:00Z'),
} as AcceptedSubscription

test('a window that begins inside a day splits that day, the next one does not', () => {
  const first = windowAt(subscription, Date.parse('2026-03-20T00:00:00Z'))
  expect(toIso(first.from)).toBe('2026-03-10T09:00:00.000Z')
  expect(first.splitDay).toEqual({ day: '20260310', startsAt: subscription.windowStartsAt })
  const second = windowAt(subscription, Date.parse('2026-04-20T00:00:00Z'))
  expect([toIso(second.from), second.splitDay]).toEqual(['2026-04-10T00:00:00.000Z', null])
})

test('the last window runs to the exact end of the period, and no further one begins unpaid', () => {
  const last = windowAt(subscription, Date.parse('2026-09-10T09:00:00Z') + 60_000)
  expect([toIso(last.from), toIso(last.to)]).toEqual(['2026-09-10T00:00:00.000Z', '2026-09-10T09:00:00.000Z'])
})

test('S9: no window begins after a refund, though the period would have gone on: the last one stays', () => {
  const occurredAt = Date.parse('2026-04-20T12:00:00Z')
  const refunded = { ...subscription, status: 'canceled', occurredAt } as AcceptedSubscription
  const later = windowAt(refunded, Date.parse('2026-07-01T00:00:00Z'), Date.parse('2026-07-01T00:00:00Z'))
  expect([toIso(later.from), toIso(later.to)]).toEqual([
    '2026-04-10T00:00:00.000Z',
    '2026-04-20T12:00:00.000Z',
  ])
  expect([later.days[0], later.days.at(-1)]).toEqual(['20260410', '20260701'])
})

test('a window that begins at 00:00 UTC splits no day', () => {
  const windowStartsAt = Date.parse('2026-03-20T00:00:00Z')
  const first = windowAt({ ...subscription, windowStartsAt }, Date.parse('2026-03-20T08:00:00Z'))
  expect([toIso(first.from), first.splitDay]).toEqual(['2026-03-20T00:00:00.000Z', null])
})

test('G16: the windows of a subscription tile its period, from its start to its exact end', () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  for (let sample = 0; sample < 500; sample += 1) {
    const periodStart = Date.UTC(2026, 0, 1) + below(1_000) * DAY_MS + below(DAY_MS)
    const periodEnd = periodStart + (1 + below(400)) * DAY_MS + below(DAY_MS)
    const anchorDay = 1 + below(31)
    const one = { ...subscription, anchorDay, periodStart, periodEnd, windowStartsAt: periodStart }
    const where = `seed ${seed}, anchor ${anchorDay}, ${toIso(periodStart)} to ${toIso(periodEnd)}`
    let end = periodStart
    while (end < periodEnd) {
      const window = windowAt(one, end)
      expect(window.from, where).toBe(end)
      expect(window.to, where).toBeGreaterThan(end)
      end = window.to
    }
    expect(end, where).toBe(periodEnd)
  }
})

test('trial: the window is anchored on the day the trial began', () => {
  const trial = {
    ...subscription,
    status: 'trialing',
    anchorDay: 1,
    windowStartsAt: null,
  } as AcceptedSubscription
  expect(toIso(windowAt(trial, Date.parse('2026-03-15T00:00:00Z')).from)).toBe('2026-03-10T00:00:00.000Z')
})

test('days: every UTC day the window touches', () => {
  expect(
    daysOf({ from: Date.parse('2026-02-27T13:00:00Z'), to: Date.parse('2026-03-01T00:00:00Z') }),
  ).toEqual(['20260227', '20260228'])
})

test('no instant of a client makes a window of more days than 400 after the end', () => {
  const { days } = windowHolding(subscription, Date.parse('9999-12-31T23:59:59Z'))
  expect([days[0], days.at(-1), days.length]).toEqual(['20260910', '20271015', 401])
})
