import { Redis } from 'ioredis'
import { Type } from 'typebox'
import { TallygateError } from '#core/errors.ts'

/** Settings of the Redis connection. */
export const redisEnv = {
  REDIS_URL: Type.String({
    default: 'redis://127.0.0.1:16379',
    pattern: '^rediss?://',
    description: 'Redis connection string',
  }),
}

/** How a process talks to Redis. */
export interface RedisOptions {
  readonly url: string
  /** A call without an answer by then fails; the same call is simply made again (every script is idempotent). */
  readonly commandTimeoutMs: number
}

/** Opens a connection that fails fast instead of queueing calls while Redis is away. */
export async function connectRedis({ url, commandTimeoutMs }: RedisOptions): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  })
  redis.on('error', () => undefined)
  await redis.connect()
  return redis
}

/**
 * Refuses a Redis that may throw counters away under memory pressure.
 *
 * Throws `invalid_config` for an eviction policy other than noeviction (counting.md, "Deployment settings").
 */
export async function requireSafeRedis(redis: Redis): Promise<void> {
  const info = await redis.info('memory')
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1]
  if (policy === 'noeviction') return
  const message = `Redis runs with maxmemory-policy ${policy ?? 'unknown'}; counters need noeviction: set it and start again`
  throw new TallygateError('invalid_config', message)
}

/** Redis' own clock, ms: the only one that deadlines and lag are measured by. */
export async function redisTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}
