import { DEDUPE_WINDOW_MS } from '#core/usage/append-time.ts'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { beginRound, dropBucket } from '#drivers/redis/snapshot-scripts.ts'

interface ForgetInput {
  readonly redis: Redis
  readonly keys: ShardKeys
  readonly ranges: readonly LogRange[]
}

/**
 * Forgets the event ids of days that no copy can come for any more; returns how many days.
 *
 * By stream time, never by a clock: a consumer that lags meets the copies late (counting.md, "Ids expire").
 */
export async function forgetIds({ redis, keys, ranges }: ForgetInput): Promise<number> {
  const { meta } = await beginRound(redis, { keys })
  const incarnation = meta['inc']
  if (incarnation === undefined) return 0
  const before = streamTimeOf(meta, ranges) - DEDUPE_WINDOW_MS
  const buckets = Object.entries(await redis.hgetall(keys.buckets))
  let dropped = 0
  for (const [bucket, latest] of buckets) {
    if (Number(latest) >= before) continue
    if ((await dropBucket(redis, { keys, incarnation, bucket, before })) === 'DROPPED') dropped += 1
  }
  return dropped
}

/**
 * Up to when everything appended was applied to the shard: the least over its partitions, ms.
 *
 * A partition that is read to its end, as of offsets fetched before, takes the most of the others.
 */
export function streamTimeOf(meta: Readonly<Record<string, string>>, ranges: readonly LogRange[]): number {
  const times = ranges.map(({ partition, high }) => ({
    at: Number(meta[`at:${partition}`] ?? 0),
    isAtEnd: Number(meta[`wm:${partition}`] ?? -1) >= high - 1,
  }))
  const behind = times.filter(({ isAtEnd }) => !isAtEnd)
  if (behind.length > 0) return Math.min(...behind.map(({ at }) => at))
  return Math.max(0, ...times.map(({ at }) => at))
}
