import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { basesOf } from '#drivers/redis/shard-offsets.ts'
import { beginRound, type Offsets } from '#drivers/redis/snapshot-scripts.ts'

/** A partition of which more was counted than its log holds, or that the operator named. */
export interface RemadePartition extends LogRange {
  /** Last offset of the old log that any shard counted. */
  readonly counted: number
}

/** Where a shard stands by what lasts longest: Redis, or the newest snapshot where Redis lost it. */
export type BasesOfShard = (keys: ShardKeys) => Promise<Offsets>

/** Bases as Redis has them; nothing for a shard without a life. */
export async function basesInRedis(redis: Redis, keys: ShardKeys): Promise<Offsets> {
  const { meta } = await beginRound(redis, { keys })
  return meta['inc'] === undefined ? {} : basesOf(meta)
}

/**
 * Partitions whose log ends before what was counted of them, and those named.
 *
 * A log that was made anew and has grown beyond what was counted looks like the old one: name it.
 */
export async function findRemade(
  { ranges, named }: { readonly ranges: readonly LogRange[]; readonly named: readonly number[] },
  shards: readonly ShardKeys[],
  basesOfShard: BasesOfShard,
): Promise<readonly RemadePartition[]> {
  const bases = await Promise.all(shards.map(basesOfShard))
  const partitions = ranges.map((range) => ({
    ...range,
    counted: Math.max(-1, ...bases.map((own) => own[range.partition] ?? -1)),
  }))
  return partitions.filter(({ partition, high, counted }) => named.includes(partition) || counted >= high)
}
