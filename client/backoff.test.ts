import { expect, test } from 'vitest'
import { pauseAfter, readRetryAfter } from './backoff.ts'

test('backoff: the bound doubles up to two seconds; chance takes anything below it', () => {
  const bounds = [1, 2, 3, 10].map((attempts) => pauseAfter({ attempts, retryAfterMs: null }, 1))
  expect(bounds).toEqual([100, 200, 400, 2_000])
  expect(pauseAfter({ attempts: 3, retryAfterMs: null }, 0.5)).toBe(200)
})

test('backoff: never earlier than retry-after says, and a quarter later at most', () => {
  expect(pauseAfter({ attempts: 1, retryAfterMs: 1_000 }, 0)).toBe(1_000)
  expect(pauseAfter({ attempts: 9, retryAfterMs: 1_000 }, 1)).toBe(1_250)
})

test('backoff: who is told to come back at once waits as if nothing was said', () => {
  expect(pauseAfter({ attempts: 3, retryAfterMs: 0 }, 0.5)).toBe(200)
})

test('retry-after: seconds or a date; anything else is none', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const read = (header: string | null): number | null => readRetryAfter(header, now)
  expect(read('2')).toBe(2_000)
  expect(read('Thu, 01 Jan 2026 00:00:05 GMT')).toBe(5_000)
  expect(read('Wed, 31 Dec 2025 00:00:05 GMT')).toBe(0)
  expect([read(null), read(''), read('soon')]).toEqual([null, null, null])
})
