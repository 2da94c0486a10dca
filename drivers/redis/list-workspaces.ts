import type { Redis } from './connection.ts'
import type { ShardKeys } from './keys.ts'
import { scanShard } from './scan-shard.ts'

/** Workspaces that have counters in a shard; one that comes meanwhile may be missing. */
export async function listWorkspaces(redis: Redis, keys: ShardKeys): Promise<readonly string[]> {
  const prefix = keys.usage('')
  const names = new Set<string>()
  for await (const found of scanShard(redis, keys, prefix)) {
    for (const key of found) names.add(key.slice(prefix.length))
  }
  return [...names]
}
