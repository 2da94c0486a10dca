import type { Instant } from '#core/instant.ts'
import type { Redis } from './connection.ts'

/** One key for all shards: told by whoever reads a partition, and lost without harm. */
const KEY = 'tg:lags'
/** What was told longer ago says nothing of now. */
const KEPT_MS = 60_000

/** Longest times from append to counted of late, ms, by partition. */
export type EnforcementLags = ReadonlyMap<number, number>

/** Says how long records of the partitions that one process reads took of late. */
export async function tellEnforcementLags(redis: Redis, lags: EnforcementLags, at: Instant): Promise<void> {
  if (lags.size === 0) return
  const fields = [...lags].flatMap(([partition, ms]) => [String(partition), `${ms}|${at}`])
  await Promise.all([redis.hset(KEY, ...fields), redis.pexpire(KEY, KEPT_MS)])
}

/** What was told of each partition within a minute; a partition in which nothing was counted is not in it. */
export async function readEnforcementLags(redis: Redis, now: Instant): Promise<EnforcementLags> {
  const told = Object.entries(await redis.hgetall(KEY)).map(([partition, text]) => {
    const [ms = 0, at = 0] = text.split('|').map(Number)
    return { partition: Number(partition), ms, at }
  })
  return new Map(told.filter(({ at }) => at > now - KEPT_MS).map(({ partition, ms }) => [partition, ms]))
}
