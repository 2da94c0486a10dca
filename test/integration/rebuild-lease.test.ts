import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { type ShardKeys, shardKeys } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { wipe } from '#test/simulator/disasters.ts'
import { memoryDb } from '#test/simulator/memory-db.ts'
import { MemoryIncarnations } from '#test/simulator/memory-stores.ts'

const LEASE_MS = 150
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

function depsOf(name: string, incarnations: MemoryIncarnations, readable = Promise.resolve()): RebuildDeps {
  const snapshots = new SnapshotLog(memoryDb())
  const headers = snapshots.headers.bind(snapshots)
  snapshots.headers = async (shard) => {
    await readable
    return headers(shard)
  }
  return {
    redis,
    incarnations,
    snapshots,
    log: pino({ level: 'silent' }),
    name,
    now: () => 0,
    ranges: async () => [{ partition: 0, low: 0, high: 0 }],
    offsetAt: async () => 0,
    catalogueRevision: async () => 1,
    leaseMs: LEASE_MS,
  }
}

async function onOwnShard(run: (keys: ShardKeys) => Promise<void>): Promise<void> {
  const keys = shardKeys(0, randomUUID())
  await run(keys).finally(() => wipe(redis, keys))
}

test('rebuild: one that takes many leases long is not taken over by another consumer that waits for it', async () => {
  await onOwnShard(async (keys) => {
    const incarnations = new MemoryIncarnations()
    const readable = Promise.withResolvers<void>()
    const slow = rebuildShard(depsOf('slow', incarnations, readable.promise), keys)
    const until = performance.now() + 4 * LEASE_MS
    while (performance.now() < until) {
      expect(await rebuildShard(depsOf('other', incarnations), keys)).toBe('left')
    }
    readable.resolve()
    expect(await slow).toBe('rebuilt')
    expect(await redis.hget(keys.meta, 'inc')).toBe('1')
    expect(await redis.exists(keys.lease('rebuild')), 'the lease is given back').toBe(0)
  })
})

test('rebuild: a lease that another one has taken meanwhile is left to it', async () => {
  await onOwnShard(async (keys) => {
    const readable = Promise.withResolvers<void>()
    const slow = rebuildShard(depsOf('slow', new MemoryIncarnations(), readable.promise), keys)
    await redis.set(keys.lease('rebuild'), 'other')
    readable.resolve()
    expect(await slow).toBe('rebuilt')
    expect(await redis.get(keys.lease('rebuild'))).toBe('other')
  })
})
