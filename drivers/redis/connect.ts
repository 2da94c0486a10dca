import './fast-strings.ts'
import { Cluster, ReplyError, type Redis as Server } from 'ioredis'
import { TallygateError } from '#core/errors.ts'
import { inTime } from '../in-time.ts'
import { Type } from '../json-schema.ts'
import { isClusterUrl, parseClusterUrl } from './address.ts'
import type { Redis } from './connection.ts'
import { GatheringRedis } from './gathering-redis.ts'

/** Settings of the Redis connection. */
export const redisEnv = {
  REDIS_URL: Type.String({
    default: 'redis://127.0.0.1:16379',
    pattern: '^rediss?(\\+cluster)?://',
    description:
      'redis://user:password@host:port, or redis+cluster://user:password@host:port,host:port for a Redis Cluster; rediss:// or rediss+cluster:// to speak TLS',
  }),
}

/** How a process talks to Redis. */
export interface RedisOptions {
  readonly url: string
  /** A call without an answer by then fails; the same call is simply made again (every script is idempotent). */
  readonly commandTimeoutMs: number
  /** A connection on which calls wait and nothing comes for so long is given up for a new one, ms. */
  readonly silenceMaxMs?: number
}

/** How long a connection may take; a client of a cluster without slots would try for ever. */
const OPEN_WITHIN_MS = 8_000

/** Opens a connection that fails fast instead of queueing calls while Redis is away. Throws `unavailable`. */
export async function connectRedis(options: RedisOptions): Promise<Redis> {
  const redis = isClusterUrl(options.url) ? toCluster(options) : toServer(options)
  let lastError: unknown
  const keep = (error: unknown): void => {
    lastError = error
  }
  redis.on('error', keep)
  redis.on('node error', keep)
  try {
    await inTime(open(redis), { withinMs: OPEN_WITHIN_MS, late: () => new Error('not connected in time') })
    return redis
  } catch (error) {
    redis.disconnect()
    const message =
      'Redis does not answer, or refuses the login: look at REDIS_URL, whether Redis runs, and whether it is a cluster'
    throw new TallygateError('unavailable', message, {}, lastError ?? error)
  }
}

async function open(redis: Redis): Promise<void> {
  await redis.connect()
  await Promise.all(mastersOf(redis).map((master) => master.ping()))
}

/** What a connection to one server and those to the nodes of a cluster have in common. */
function settingsOf({ commandTimeoutMs, silenceMaxMs }: Omit<RedisOptions, 'url'>) {
  return {
    maxRetriesPerRequest: 1,
    disableClientInfo: true,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    socketTimeout: silenceMaxMs,
  }
}

const backoffMs = (attempt: number): number => Math.min(50 * attempt, 1_000)

function toServer(options: RedisOptions): Server {
  return new GatheringRedis(options.url, serverSettings(options))
}

/** Settings of a connection to one server. */
export type ServerSettings = ReturnType<typeof serverSettings>

/** How a connection to one server behaves. */
export function serverSettings(options: Omit<RedisOptions, 'url'>) {
  return { ...settingsOf(options), lazyConnect: true, enableOfflineQueue: false, retryStrategy: backoffMs }
}

/** How often a cluster is asked who serves which slot, beyond what it says by itself, ms. */
const SLOTS_EVERY_MS = 1_000

/**
 * A cluster's connection; a call goes to the master of its first key, and after it where it moved.
 *
 * A node that does not answer says nothing of who took its place, so the others are asked on a timer.
 */
function toCluster(options: RedisOptions): Cluster {
  const { nodes, username, password, tls } = parseClusterUrl(options.url)
  const byName = {
    dnsLookup: (host: string, found: (error: null, host: string) => void) => found(null, host),
  }
  return new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: backoffMs,
    slotsRefreshInterval: SLOTS_EVERY_MS,
    ...(tls ? byName : {}),
    redisOptions: { ...settingsOf(options), username, password, ...(tls ? { tls: {} } : {}) },
  })
}

/** The servers that take writes now: one, or the masters of a cluster. */
function mastersOf(redis: Redis): readonly Server[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis]
}

/** What is wrong with reaching Redis, or null: of a cluster any master that answers will do, for its shards are served. */
export async function redisProblem(redis: Redis): Promise<string | null> {
  const answers = await Promise.allSettled(mastersOf(redis).map((master) => master.ping()))
  return answers.some(({ status }) => status === 'fulfilled') ? null : 'no answer'
}

/** Whether Redis itself said no, so that it can be reached. */
export function answeredByRedis(error: unknown): boolean {
  const said = error instanceof TallygateError ? error.cause : error
  return said instanceof ReplyError
}
