import { Cluster } from 'ioredis'
import type { Instant } from '#core/instant.ts'
import type { Redis } from './connection.ts'
import type { ShardKeys } from './keys.ts'
import { defineScript } from './script.ts'

/** `lua/time.lua`: the clock of the node that serves a shard. */
const timeOfShard = defineScript({
  file: 'time.lua',
  keys: ({ keys }: { keys: ShardKeys }) => [keys.meta],
  args: () => [],
  reply: (raw) => Number(raw),
})

/** Redis' own clock as a shard's scripts read it, ms: the only one that deadlines and lag are measured by. */
export async function redisTime(redis: Redis, keys: ShardKeys): Promise<Instant> {
  if (redis instanceof Cluster) return timeOfShard(redis, { keys })
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}

/**
 * The same for every shard, by shard number: one call to a single server.
 *
 * Null for a shard whose node does not answer, so that the others are not held up.
 */
export async function redisTimes(
  redis: Redis,
  shards: readonly ShardKeys[],
): Promise<readonly (Instant | null)[]> {
  const [first] = shards
  if (first === undefined) return []
  if (!(redis instanceof Cluster)) {
    const time = await redisTime(redis, first)
    return shards.map(() => time)
  }
  return Promise.all(shards.map((keys) => redisTime(redis, keys).catch(() => null)))
}
