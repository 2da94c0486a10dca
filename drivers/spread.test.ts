import { expect, test } from 'vitest'
import { spread } from './spread.ts'

const MINUTE_MS = 60_000

test('what was read of a thousand workspaces at once is read again over a quarter of its time, each in the same', () => {
  const workspaces = Array.from({ length: 1_000 }, (_, index) => `w-${index}`)
  const times = workspaces.map((workspace) => spread(workspace, MINUTE_MS))
  expect(workspaces.map((workspace) => spread(workspace, MINUTE_MS))).toEqual(times)
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0.75 * MINUTE_MS)
  expect(Math.max(...times)).toBeLessThanOrEqual(MINUTE_MS)
  const bySecond = Map.groupBy(times, (ms) => Math.floor(ms / 1_000))
  expect(bySecond.size).toBe(15)
  expect(Math.max(...[...bySecond.values()].map((own) => own.length))).toBeLessThan(120)
})
