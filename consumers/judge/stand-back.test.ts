import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { standBack } from './stand-back.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

async function restOf(backlog: number, workedMs: number, restTimes = 0): Promise<number> {
  const startedAt = Date.now()
  const resting = standBack({ backlog, workedMs, restTimes })
  await vi.runAllTimersAsync()
  expect(await resting).toBe(Date.now() - startedAt)
  return resting
}

test('what is urgent waits for nothing while counting keeps up', async () => {
  expect(await restOf(10_000, 20)).toBe(0)
})

test('what can wait rests as often as it is told while counting keeps up, and as long as the rest while it is behind', async () => {
  expect(await restOf(10_000, 20, 2)).toBe(40)
  expect(await restOf(10_001, 20, 2)).toBe(180)
})

test('a tenth of the time is left to judging while counting is behind, and no rest is longer than a second', async () => {
  expect(await restOf(10_001, 20)).toBe(180)
  expect(await restOf(1_000_000, 30_000)).toBe(1_000)
})
