import { expect, test } from 'vitest'
import { NO_FACTS } from '#core/operations/read-workspace.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { CachedFactStore } from './facts-store.ts'
import { packFacts } from './packed-facts.ts'

const MINUTE_MS = 60_000

/** Whether facts that Redis says were read then are asked for in MongoDB. */
async function isReadAnew(readAt: number): Promise<boolean> {
  const packed = packFacts({ facts: { ...NO_FACTS, revision: '1.0.0' }, readAt })
  let isAsked = false
  const store = new CachedFactStore({
    redis: { getBuffer: async () => packed } as unknown as Redis,
    shards: [shardKeys(0)],
    source: {
      read: async () => {
        isAsked = true
        throw new Error('not here')
      },
    },
    fold: async () => null,
  })
  await store.load('acme', '1.0.0')
  return isAsked
}

test('G17: a copy of facts is used for a minute, by a clock that is ahead no longer', async () => {
  const now = Date.now()
  expect(await isReadAnew(now - 1_000)).toBe(false)
  expect(await isReadAnew(now - 2 * MINUTE_MS)).toBe(true)
  expect(await isReadAnew(now + 10 * MINUTE_MS)).toBe(true)
})

test('G17: whoever has no facts needs no write of Redis, which takes none while it is full or has no replica', async () => {
  const named = async (revision: string | null): Promise<string> => {
    const store = new CachedFactStore({
      redis: {
        getBuffer: async () => null,
        hget: async () => revision,
        evalsha: () => Promise.reject(new Error('OOM')),
      } as unknown as Redis,
      shards: [shardKeys(0)],
      source: { read: async () => ({ versions: [], overrides: [], crossings: { count: 0, newest: null } }) },
      fold: async () => null,
    })
    return store.load('acme', '').then((facts) => facts.revision)
  }
  expect(await named(null)).toBe('0.0.0')
  await expect(named('1.0.0')).rejects.toMatchObject({ code: 'unavailable' })
})
