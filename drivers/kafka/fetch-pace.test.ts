import { expect, test } from 'vitest'
import { restAfter } from './fetch-pace.ts'

test.each([
  [0, 5],
  [2, 3],
  [2.5, 2.5],
  [10, 10],
  [12, 12],
  [20, 4],
  [24, 0],
  [300, 0],
])('after %d ms of work on little the next fetch waits %d ms', (workedMs, restMs) => {
  expect(restAfter(workedMs)).toBe(restMs)
})
