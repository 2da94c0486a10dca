import type { Redis } from 'ioredis'
import type { ShardKeys } from './keys.ts'

const SCAN_COUNT = 1_000

/** Workspaces that have counters in a shard; one that comes meanwhile may be missing. */
export async function listWorkspaces(redis: Redis, keys: ShardKeys): Promise<readonly string[]> {
  const prefix = keys.usage('')
  const names = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', SCAN_COUNT)
    for (const key of found) names.add(key.slice(prefix.length))
    cursor = next
  } while (cursor !== '0')
  return [...names]
}
