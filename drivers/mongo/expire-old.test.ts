import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { expireOld } from './expire-old.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A collection that may refuse the index, and what was deleted of it. */
function collectionThat(refuses: boolean) {
  const deleted: number[] = []
  let isAway = false
  const collection = {
    createIndex: async () => {
      if (refuses) throw new Error('expireAfterSeconds is not implemented')
      return 'expiresAt_1'
    },
    deleteMany: async (filter: { readonly expiresAt: { readonly $lt: Date } }) => {
      if (isAway) throw new Error('no server')
      deleted.push(filter.expiresAt.$lt.getTime())
      return { acknowledged: true, deletedCount: 0 }
    },
  }
  const away = (is: boolean): void => {
    isAway = is
  }
  return { collection: collection as never, deleted, away }
}

test('where MongoDB can be told to, it takes old documents away by itself', async () => {
  const { collection, deleted } = collectionThat(false)
  expect(await expireOld(collection, () => 5)).toBe('by MongoDB')
  await vi.advanceTimersByTimeAsync(3 * HOUR_MS)
  expect(deleted).toEqual([])
})

test('where it cannot, they are taken away at once and every hour, also after MongoDB was away', async () => {
  const { collection, deleted, away } = collectionThat(true)
  let now = 100
  expect(await expireOld(collection, () => now)).toBe('by us')
  expect(deleted).toEqual([100])
  away(true)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  away(false)
  now = 300
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(deleted).toEqual([100, 300])
})
