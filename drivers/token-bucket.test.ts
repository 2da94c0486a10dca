import { expect, test } from 'vitest'
import { TokenBuckets } from './token-bucket.ts'

function bucketsOf(rate: { perSecond: number; burst: number }) {
  const clock = { now: 0 }
  const buckets = new TokenBuckets(rate, () => clock.now)
  const takeMany = (name: string, count: number): number =>
    Array.from({ length: count }, () => buckets.take(name)).filter(Boolean).length
  return { clock, buckets, takeMany }
}

test('token buckets: a burst, then the steady rate, however the asking is spread', () => {
  const { clock, takeMany } = bucketsOf({ perSecond: 100, burst: 20 })
  expect(takeMany('a', 50)).toBe(20)
  let taken = 0
  for (clock.now = 1; clock.now <= 10_000; clock.now += 1) taken += takeMany('a', 3)
  expect(Math.abs(taken - 1_000)).toBeLessThanOrEqual(1)
})

test('token buckets: silence gives no more than a burst, and one name takes nothing of another', () => {
  const { clock, takeMany } = bucketsOf({ perSecond: 100, burst: 20 })
  expect(takeMany('a', 21)).toBe(20)
  expect(takeMany('b', 21)).toBe(20)
  clock.now = 3_600_000
  expect(takeMany('a', 50)).toBe(20)
})

test('token buckets: more names than are kept do not pile up, and nobody is locked out', () => {
  const { takeMany } = bucketsOf({ perSecond: 1, burst: 1 })
  for (let name = 0; name < 10_001; name += 1) expect(takeMany(`k${name}`, 1)).toBe(1)
  expect(takeMany('k10000', 1)).toBe(0)
})

test('token buckets: what costs more than a token is paid by what comes later, of that name alone', () => {
  const { clock, buckets, takeMany } = bucketsOf({ perSecond: 100, burst: 20 })
  expect(takeMany('a', 1)).toBe(1)
  expect(buckets.charge('a', 99)).toBe(true)
  expect(buckets.charge('a', 99), 'nobody adds to a debt').toBe(false)
  expect(takeMany('a', 1)).toBe(0)
  clock.now = 800
  expect(takeMany('a', 5)).toBe(0)
  clock.now = 820
  expect(takeMany('a', 5)).toBe(2)
  expect(buckets.charge('b', 30)).toBe(true)
  expect([takeMany('b', 1), takeMany('c', 1)]).toEqual([0, 1])
})
