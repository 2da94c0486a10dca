import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '../instant.ts'
import { addMonths } from '../subscription/add-months.ts'
import { atLeastMonths, timeUntil } from './charged-time.ts'

/** Each row by hand: from, end, whole months, days left over, days of the month they lie in. */
test.for([
  ['2026-09-10', '2026-12-10', 3, 0, 0],
  ['2026-09-25', '2026-12-10', 2, 15, 30],
  ['2026-12-09', '2026-12-10', 0, 1, 30],
  ['2026-12-10', '2026-12-10', 0, 0, 0],
  ['2027-01-01', '2026-12-10', 0, 0, 0],
  ['2026-02-28', '2026-08-31', 6, 0, 0],
  ['2026-02-14', '2026-08-31', 6, 14, 28],
  ['2028-02-14', '2028-08-31', 6, 15, 29],
  ['2026-01-31', '2026-02-28', 0, 28, 31],
  ['2026-03-30', '2026-05-31', 2, 1, 31],
  ['2026-04-30', '2026-05-31', 1, 0, 0],
  ['2026-04-29', '2026-05-31', 1, 1, 30],
  ['2025-12-31', '2026-01-01', 0, 1, 31],
  ['2024-02-29', '2026-02-28', 23, 28, 29],
  ['2024-02-28', '2026-02-28', 24, 0, 0],
] as const)('S6: from %s to %s: %i months and %i of %i days', ([from, end, months, days, ofDays]) => {
  const part = days === 0 ? null : { ms: days * DAY_MS, ofMs: ofDays * DAY_MS }
  expect(timeUntil(Date.parse(end), Date.parse(from))).toEqual({ months, part })
})

test('S6: the part is in milliseconds: one more or less shows', () => {
  const end = Date.parse('2026-12-10T09:00:00.000Z')
  const month = { ofMs: 30 * DAY_MS }
  expect(timeUntil(end, end - 1)).toEqual({ months: 0, part: { ms: 1, ...month } })
  const begin = Date.parse('2026-11-10T09:00:00.000Z')
  expect(timeUntil(end, begin + 1)).toEqual({ months: 0, part: { ms: 30 * DAY_MS - 1, ...month } })
  expect(timeUntil(end, begin)).toEqual({ months: 1, part: null })
  expect(timeUntil(end, begin - 1)).toEqual({ months: 1, part: { ms: 1, ofMs: 31 * DAY_MS } })
})

test('S6: months and part together always reach back to the very instant, and the part is under a month', () => {
  const instant = fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2100, 0, 1) })
  fc.assert(
    fc.property(instant, instant, (a, b) => {
      const [at, end] = [Math.min(a, b), Math.max(a, b)]
      const { months, part } = timeUntil(end, at)
      expect(addMonths(end, -months) - (part?.ms ?? 0)).toBe(at)
      if (part !== null) expect(part.ms > 0 && part.ms < part.ofMs).toBe(true)
    }),
    { numRuns: 5_000 },
  )
})

test('at least so many months: a shorter time is lengthened, a longer one kept with its part', () => {
  const part = { ms: 15 * DAY_MS, ofMs: 30 * DAY_MS }
  expect(atLeastMonths({ months: 2, part }, 3)).toEqual({ months: 3, part: null })
  expect(atLeastMonths({ months: 3, part }, 3)).toEqual({ months: 3, part })
})
