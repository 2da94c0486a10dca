import { expect, test } from 'vitest'
import { LagTeller } from './lag-teller.ts'

test('the worst of a partition is told twice, then only what came since', () => {
  const lags = new LagTeller()
  lags.observe(3, 12.4)
  lags.observe(3, 80)
  lags.observe(5, 1)
  expect([...lags.turn()]).toEqual([
    [3, 80],
    [5, 1],
  ])
  lags.observe(3, 7)
  expect(lags.turn().get(3)).toBe(80)
  expect([...lags.turn()]).toEqual([[3, 7]])
  expect(lags.turn().size).toBe(0)
})
