import type { Redis } from './connection.ts'
import type { ShardKeys } from './keys.ts'
import { lowerBoundsOf } from './shard-offsets.ts'
import { isWhole } from './whole-shard.ts'

/** How far one shard has come. */
export interface ShardState {
  readonly shard: number
  readonly isReady: boolean
  /** The last offset it covers, by partition. */
  readonly covered: ReadonlyMap<number, number>
  /** Append time up to which it covers a partition, ms, or when its end was last seen. */
  readonly coveredAt: ReadonlyMap<number, number>
  /** Partitions of which it misses use. */
  readonly lowerBounds: readonly number[]
}

/** Reads how far every shard has come. */
export async function readShardStates(
  redis: Redis,
  shards: readonly ShardKeys[],
): Promise<readonly ShardState[]> {
  return Promise.all(
    shards.map(async ({ meta, shard }) => {
      const state = await redis.hgetall(meta)
      const covered = new Map<number, number>()
      const coveredAt = new Map<number, number>()
      for (const [field, value] of Object.entries(state)) {
        const [kind, partition] = field.split(':')
        const number = Number(partition)
        if (kind === 'wm') covered.set(number, Number(value))
        if (kind === 'at' || kind === 'seen')
          coveredAt.set(number, Math.max(coveredAt.get(number) ?? 0, Number(value)))
      }
      const lowerBounds = lowerBoundsOf(state)
      return { shard, isReady: state['ready'] === '1' && isWhole(state), covered, coveredAt, lowerBounds }
    }),
  )
}
