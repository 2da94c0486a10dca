import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { isWhole } from '#drivers/redis/whole-shard.ts'

/** What a shard says of one partition. */
export interface ShardPosition {
  /** Null where the shard must be rebuilt: it has no life, or Redis kept half a call (ADR 0009). */
  readonly incarnation: string | null
  /** Last offset covered, −1 before the first. */
  readonly watermark: number
  /** Last offset that the last rebuild restored from a snapshot, −1 where it was none. */
  readonly base: number
  /** When that was appended, ms; 0 where it is not known. */
  readonly at: number
  /** Workspaces restored by a rebuild carry thresholds of their own. */
  readonly hasThresholds: boolean
}

/** Last offset of the partition that the counters hold: covered, or restored by a rebuild that reads ids up to there again. */
export function countedUpto({ watermark, base }: Pick<ShardPosition, 'watermark' | 'base'>): number {
  return Math.max(watermark, base)
}

/** Reads incarnation and watermark of every shard for one partition, one call a shard. */
export async function readPositions(
  redis: Redis,
  shards: readonly ShardKeys[],
  partition: number,
): Promise<readonly ShardPosition[]> {
  return Promise.all(
    shards.map(async ({ meta }) => {
      const names = ['inc', `wm:${partition}`, `base:${partition}`, `at:${partition}`, 'th', 'half', 'born']
      const [incarnation, watermark, base, at, thresholds, half, born] = await redis.hmget(meta, ...names)
      return {
        incarnation: isWhole({ half, born }) ? (incarnation ?? null) : null,
        watermark: Number(watermark ?? -1),
        base: Number(base ?? -1),
        at: Number(at ?? 0),
        hasThresholds: thresholds === '1',
      }
    }),
  )
}
