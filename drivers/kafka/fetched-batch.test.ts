import type { Batch } from 'kafkajs'
import { expect, test } from 'vitest'
import { isOfAnotherLog } from './fetched-batch.ts'

const batchOf = (...messages: readonly { readonly offset: string; readonly timestamp: string }[]): Batch =>
  Object({ messages })

test('a record before the position that was appended after all that were read is of another log', () => {
  const read = { position: 10, appendedAt: 30 }
  expect(isOfAnotherLog(batchOf({ offset: '0', timestamp: '31' }), read)).toBe(true)
  expect(isOfAnotherLog(batchOf({ offset: '0', timestamp: '30' }), read), 'appended with what was read').toBe(
    false,
  )
  expect(isOfAnotherLog(batchOf({ offset: '10', timestamp: '31' }), read), 'what comes next').toBe(false)
  expect(isOfAnotherLog(batchOf(), read)).toBe(false)
  const unknown = batchOf({ offset: '0', timestamp: '31' })
  expect(isOfAnotherLog(unknown, { position: 10, appendedAt: null })).toBe(false)
  expect(isOfAnotherLog(unknown, { position: 10 }), 'usage is told from it otherwise').toBe(false)
})
