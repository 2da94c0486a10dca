import { expect, test } from 'vitest'
import type { Plan, PlanVersion } from './plan.ts'
import { type Prices, seatPriceAt } from './price.ts'

function version(from: number, prices: Prices | null): PlanVersion {
  return { version: String(from), from, limits: {}, switches: {}, prices }
}

const plan: Plan = {
  rank: 1,
  versions: [
    version(10, { USD: 100, BRL: 500 }),
    version(20, { USD: 200 }),
    version(30, null),
    version(40, { USD: 0 }),
  ],
}

test.for([
  [9, 'USD', null],
  [10, 'USD', 100],
  [19, 'BRL', 500],
  [20, 'USD', 200],
  [20, 'BRL', null],
  [39, 'USD', 200],
  [40, 'USD', 0],
  [40, 'constructor', null],
] as const)(
  'a seat at %i in %s costs %o: by the newest version that states prices',
  ([at, currency, price]) => {
    expect(seatPriceAt(plan, { currency, at })).toBe(price)
  },
)
