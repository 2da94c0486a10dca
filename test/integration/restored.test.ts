import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { wipe } from '#test/simulator/disasters.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

test('G6: a MongoDB that was restored to before a round of snapshots loses no count when Redis is lost after it', async () => {
  const shard = new LoggedShard(redis)
  const count = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) shard.append(0, { id, at: NOW - HOUR_MS })
    await shard.count(0, { upto: (shard.logs[0] ?? []).length - 1 })
  }
  const restoreTo = async (round: number): Promise<void> => {
    const headers = await shard.snapshots.headers(0)
    const lost = headers.filter((header) => header.round > round)
    await shard.snapshots.drop(0, lost)
  }
  await shard.rebuild()
  await count(['a', 'b'])
  await shard.snapshot()
  await count(['c', 'd', 'e'])
  await shard.snapshot()
  await restoreTo(1)
  await redis.hset(shard.keys.dirty, 'bolt', 'changed since')
  await shard.snapshot()
  await wipe(redis, shard.keys)
  await shard.rebuild()
  await shard.count(0, { upto: 4 })
  expect(await shard.used()).toBe(5)
  await wipe(redis, shard.keys)
})
