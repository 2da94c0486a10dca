import type { Admin } from 'kafkajs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { committedOffset } from './committed-offset.ts'

/** A log by the append time of each of its records, from its first offset on, and where the group says that it left off. */
interface Log {
  readonly low?: number
  readonly times: readonly number[]
  readonly offset: number
  readonly metadata?: string
}

const place = { groupId: 'g', topic: 't', partition: 3 }
const input = { ...place, log: pino({ level: 'silent' }), isWanted: () => true }

function adminOf({ low = 0, times, offset, metadata }: Log): Admin {
  const at = (instant: number): number => {
    const found = times.findIndex((time) => time >= instant)
    return low + (found === -1 ? times.length : found)
  }
  const partition = 3
  return Object({
    fetchOffsets: async () => [
      {
        topic: 't',
        partitions: [{ partition, offset: String(offset), ...(metadata ? { metadata } : {}) }],
      },
    ],
    fetchTopicOffsets: async () => [{ partition, low: String(low), high: String(low + times.length) }],
    fetchTopicOffsetsByTimestamp: async (_topic: string, instant: number) => [
      { partition, offset: String(at(instant)) },
    ],
  })
}

test.for<readonly [string, Log, number]>([
  ['the group never committed', { times: [10, 20], offset: -1 }, 0],
  ['it is the log that was read', { times: [10, 20, 30, 40], offset: 3, metadata: '30' }, 3],
  ['nothing is left to read', { times: [10, 20, 30], offset: 3, metadata: '30' }, 3],
  ['several records were appended at once', { times: [10, 20, 20, 20], offset: 3, metadata: '20' }, 3],
  ['all records were appended at once', { times: [10, 10, 10], offset: 2, metadata: '10' }, 2],
  ['its start was cut', { low: 2, times: [30, 40], offset: 3, metadata: '30' }, 3],
  ['more was cut than was read', { low: 7, times: [80, 90], offset: 3, metadata: '30' }, 7],
  ['all was cut that was read', { low: 3, times: [40, 50], offset: 3, metadata: '30' }, 3],
  [
    'an aborted record was passed over after what was read last',
    { times: [10, 20, 25, 40], offset: 3, metadata: '20' },
    3,
  ],
  ['it ends before, as one that was made anew', { times: [50], offset: 3, metadata: '30' }, 0],
  ['it was made anew, and has grown past it', { times: [50, 60, 70, 80, 90], offset: 3, metadata: '30' }, 0],
  ['it was made anew, and has grown up to it', { times: [50, 60, 70], offset: 3, metadata: '30' }, 0],
  ['nobody said when what was read had been appended', { times: [50, 60, 70, 80], offset: 3 }, 3],
  ['what was said of that is no time', { times: [50, 60, 70, 80], offset: 3, metadata: 'x' }, 3],
])('where a partition is read on: %s', async ([, log, position]) => {
  expect((await committedOffset(adminOf(log), input)).position).toBe(position)
})

test('what is committed is said again as long as nothing more was read', async () => {
  const known = { times: [10, 20, 30], offset: 3, metadata: '30' }
  expect(await committedOffset(adminOf(known), input)).toEqual({ position: 3, appendedAt: 30 })
  const other = { times: [50, 60, 70, 80], offset: 3, metadata: '30' }
  expect(await committedOffset(adminOf(other), input)).toEqual({ position: 0, appendedAt: null })
})
