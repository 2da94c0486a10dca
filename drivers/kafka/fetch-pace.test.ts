import { expect, test } from 'vitest'
import { restAfter } from './fetch-pace.ts'

test.each([
  [0, 8],
  [3, 5],
  [4, 4],
  [10, 10],
  [12, 12],
  [20, 4],
  [24, 0],
  [300, 0],
])('after %i ms of work on little the next fetch waits %i ms', (workedMs, restMs) => {
  expect(restAfter(workedMs)).toBe(restMs)
})
