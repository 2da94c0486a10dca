import { expect, test } from 'vitest'
import { lastRefused, recordIdOf } from './refused-record.ts'

const first = {
  origin: 'usage.events/3/10',
  topic: 'usage.events',
  partition: 3,
  offset: 10,
  appendedAt: 5,
  failedAt: 6,
}
/** The same record, met anew when the log was read again. */
const again = { ...first, failedAt: 90 }
/** What was sent again for it, and refused as well. */
const redriven = { ...first, offset: 40, failedAt: 50 }

test('a record that is met anew is the same one; one that was sent again, or stands in a topic made anew, is another', () => {
  expect(recordIdOf(again)).toBe(recordIdOf(first))
  expect(recordIdOf(redriven)).not.toBe(recordIdOf(first))
  expect(recordIdOf({ ...first, appendedAt: 7 })).not.toBe(recordIdOf(first))
})

test('of each origin the record that was written last counts, whichever was met last', () => {
  expect(lastRefused([first, again])).toEqual([again])
  const second = { ...first, reason: 'the second of two refusals' }
  expect(lastRefused([first, second])).toEqual([second])
  expect(lastRefused([again, redriven, first])).toEqual([redriven])
  const other = { ...first, origin: 'usage.events/3/11', offset: 11 }
  expect(lastRefused([other, first])).toEqual([other, first])
})
