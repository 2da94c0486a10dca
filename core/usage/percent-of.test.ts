import { expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import { percentOf } from './percent-of.ts'

const of = (used: number, limit: number): number | null => percentOf(used as Amount, limit as Amount)

test('percent of a limit: rounded down; of a limit of 0 any use is all of it, and none is no share', () => {
  expect([of(999, 1_000), of(1_000, 1_000), of(1_500, 1_000)]).toEqual([99, 100, 150])
  expect([of(3, 0), of(0, 0)]).toEqual([100, null])
})
