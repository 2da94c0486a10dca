import type { Logger } from 'pino'
import type { CounterStore } from '#core/ports.ts'
import { type RedisOptions, serverSettings } from './connect.ts'
import type { ShardKeys } from './keys.ts'
import { NearCounters, type ShardLook } from './near-counters.ts'
import { redisCounterStore } from './redis-counter-store.ts'
import { defineScript, listOf, type RawReply } from './script.ts'
import { TrackingRedis } from './tracking-redis.ts'

interface LookInput {
  readonly shards: readonly ShardKeys[]
  readonly partitions: number
}

/** `lua/read-shards.lua`: how far the counters of some shards can be trusted. */
const readShards = defineScript({
  file: 'read-shards.lua',
  keys: ({ shards }: LookInput) => shards.flatMap(({ meta, version }) => [meta, version]),
  args: ({ partitions }) => [partitions],
  reply: (raw, { partitions }): readonly ShardLook[] => {
    const [now, ...shards] = listOf(raw, 'read-shards.lua')
    return shards.map((shard) => lookOf(Number(now), listOf(shard, 'read-shards.lua'), partitions))
  },
})

function lookOf(
  now: number,
  [ready, catalogue, ...rest]: readonly RawReply[],
  partitions: number,
): ShardLook {
  return {
    now,
    isReady: ready === '1',
    catalogueRevision: Number(catalogue),
    asOf: rest.slice(0, partitions).map(Number),
    isWhole: rest.slice(partitions).map((cut) => cut === '0'),
  }
}

/** Whose counters are kept near, and how old they may be. */
export interface NearOptions extends RedisOptions {
  readonly log: Pick<Logger, 'warn'>
  readonly direct: CounterStore
  readonly shards: readonly ShardKeys[]
  readonly partitions: number
  readonly partitionOf: (workspace: string) => number
  /** No answer is by an older state of Redis, ms. */
  readonly ageMaxMs: number
}

/** How often a shard in use is looked at within the bound. */
const LOOKS_WITHIN_BOUND = 4

/** Near counters over a connection of their own to one server; until it tells of changes they read directly. */
export function openNearCounters({ url, log, partitions, ...options }: NearOptions) {
  const { shards, partitionOf, direct, ageMaxMs } = options
  const redis = new TrackingRedis(url, serverSettings(options), {
    onChanged: (keys) => near.changed(keys),
    onLost: () => near.forgetAll(),
    onRefused: (error) =>
      log.warn({ err: error }, 'this Redis does not tell of changes (CLIENT TRACKING): each check asks it'),
  })
  const store = redisCounterStore({ redis, shards, partitionOf })
  const near = new NearCounters({
    link: {
      get isTracking() {
        return redis.isTracking
      },
      read: (workspace, plan) => store.read(workspace, plan),
      look: (wanted) =>
        readShards(redis, { shards: wanted.flatMap((shard) => shards[shard] ?? []), partitions }),
      startOver: () => redis.startOver(),
    },
    direct,
    shards: shards.length,
    partitionOf,
    ageMaxMs,
    now: () => performance.now(),
  })
  const timer = setInterval(() => near.look(), Math.ceil(ageMaxMs / LOOKS_WITHIN_BOUND))
  timer.unref()
  redis.connect().catch(() => undefined)
  return {
    near,
    close: async (): Promise<void> => {
      clearInterval(timer)
      redis.disconnect()
    },
  }
}
