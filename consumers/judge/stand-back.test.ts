import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { standBack } from './stand-back.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

async function restOf(backlog: number, workedMs: number): Promise<number> {
  const startedAt = Date.now()
  const resting = standBack(backlog, workedMs)
  await vi.runAllTimersAsync()
  await resting
  return Date.now() - startedAt
}

test('nothing is waited for while counting keeps up', async () => {
  expect(await restOf(10_000, 20)).toBe(0)
})

test('a tenth of the time is left to judging while counting is behind, and no rest is longer than a second', async () => {
  expect(await restOf(10_001, 20)).toBe(180)
  expect(await restOf(1_000_000, 30_000)).toBe(1_000)
})
