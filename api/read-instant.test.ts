import { expect, test } from 'vitest'
import { readInstant } from './read-instant.ts'

test('a time that exists is read to the millisecond', () => {
  expect(readInstant('2026-06-30T23:59:59.123Z', 'at')).toBe(Date.UTC(2026, 5, 30, 23, 59, 59, 123))
  expect(readInstant('2026-07-01T01:00:00+02:00', 'at')).toBe(Date.UTC(2026, 5, 30, 23))
  expect(readInstant('2024-02-29', 'from')).toBe(Date.UTC(2024, 1, 29))
  expect(readInstant('0001-01-01T00:00:00Z', 'from')).toBe(-62_135_596_800_000)
})

test.for(['2026-06-30T23:59:60Z', '2026-02-31T10:00:00Z', '2026-02-31', '2026-13-01', '0000-00-00'])(
  'G22: %s has the form of a time, does not exist, and is refused by its field',
  (text) => {
    expect(() => readInstant(text, 'until')).toThrow(
      expect.objectContaining({ code: 'invalid_request', details: { field: 'until' } }),
    )
  },
)
