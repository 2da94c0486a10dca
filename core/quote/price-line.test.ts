import { expect, test } from 'vitest'
import { type LineTerms, priceLine } from './price-line.ts'

interface Row {
  readonly quantity?: number
  readonly unit: number
  readonly months?: number
  readonly part?: readonly [number, number]
  readonly discount?: number
}

function amountOf({ quantity = 1, unit, months = 0, part, discount = 0 }: Row): number {
  const terms: LineTerms = {
    kind: 'seats',
    item: 'base',
    quantity,
    unitMinor: unit,
    time: { months, part: part === undefined ? null : { ms: part[0], ofMs: part[1] } },
    discountPercent: discount,
    from: 0,
    until: 1,
  }
  return priceLine(terms).amountMinor
}

test.for<[string, Row, number]>([
  ['whole months', { quantity: 2, unit: 1_500, months: 6 }, 18_000],
  ['a half goes up', { unit: 1, part: [1, 2] }, 1],
  ['just under a half goes down', { unit: 1, part: [499_999, 1_000_000] }, 0],
  ['2.5 goes to 3, not to the even 2', { unit: 5, part: [1, 2] }, 3],
  ['rounded once for the line, not for each seat', { quantity: 3, unit: 1, part: [1, 2] }, 2],
  ['rounded after the discount, not before', { unit: 15, months: 1, part: [1, 30], discount: 10 }, 14],
  ['a discount of 100 % costs nothing', { unit: 99, months: 24, discount: 100 }, 0],
  ['no time costs nothing', { quantity: 9, unit: 1_500 }, 0],
  ['a month in milliseconds', { unit: 1_500, part: [1_296_000_000, 2_678_400_000] }, 726],
  ['exact far past 2^53 on the way', { quantity: 1e6, unit: 37_500, months: 120, discount: 15 }, 3.825e12],
])('S4, S6: %s', ([, row, amount]) => {
  expect(amountOf(row)).toBe(amount)
})
