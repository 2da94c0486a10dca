import { rmSync } from 'node:fs'
import { startEngines, stopEngines } from '#deploy/local/engines.ts'
import { setUp } from '#deploy/setup.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys, SHARDS_CLUSTER } from '#drivers/redis/keys.ts'
import { type Load, startLoad } from '#test/chaos/load.ts'
import { checkCounters, type Mismatch } from '#test/chaos/log-checker.ts'
import { engineDir } from '#test/helpers/engine-dir.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { KafkaCluster } from './kafka-cluster.ts'
import { type Pair, RedisCluster } from './redis-cluster.ts'

/** The shards of a cluster's install. */
export const shards = allShardKeys(SHARDS_CLUSTER)

/** Replicas of every topic. */
const COPIES = 3

/** Counters that differ from the log, and events that were acknowledged and are not in it. */
export interface Verdict {
  readonly mismatches: readonly Mismatch[]
  readonly missing: readonly string[]
}

/** Three brokers, three masters with a replica each, an API and two consumers. */
export interface ClusterRig {
  /** API and one consumer. */
  readonly system: System
  /** A second consumer. */
  readonly other: System
  readonly kafka: KafkaCluster
  readonly redis: RedisCluster
  readonly load: (name: string, seed: number) => Load & { readonly prefix: string }
  /** Waits until so many records more are counted; how long that took, ms. */
  readonly counted: (more: number) => Promise<number>
  /** Waits until everything in the log is counted, then compares with the log; both lists must be empty. */
  readonly verdict: (prefix: string, acknowledged?: readonly string[]) => Promise<Verdict>
  /** How often a shard was given a new life since the start. */
  readonly rebuilds: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** Starts everything on ports of its own; what was started is stopped again when the rest does not start. */
export async function startClusterRig(): Promise<ClusterRig> {
  await using started = new AsyncDisposableStack()
  const dir = engineDir('cluster')
  started.defer(() => rmSync(dir, { recursive: true, force: true }))
  const kafka = await KafkaCluster.start()
  started.defer(() => kafka.stop())
  const redis = await RedisCluster.start()
  started.defer(() => redis.stop())
  const given = { KAFKA_BROKERS: kafka.addresses, REDIS_URL: redis.url }
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...given }
  const quiet = { allowDocker: false, report: () => undefined } as const
  started.defer(async () => {
    await stopEngines(dir)
  })
  const addresses = await startEngines({ dir, env, ports: 'free', ...quiet })
  await setUp(addresses, { replicationFactor: COPIES })
  const settings = { SNAPSHOT_EVERY_MS: '1000' }
  const system = await startSystem(['api', 'consumers'], settings, addresses)
  started.defer(() => system.stop())
  const other = await startSystem(['consumers'], settings, addresses)
  started.defer(() => other.stop())
  const running = started.move()
  return {
    system,
    other,
    kafka,
    redis,
    load: (name, seed) => {
      const prefix = `${name}${seed}`
      return { prefix, ...startLoad(system, { seed, prefix, workspaces: 300 }) }
    },
    counted: async (more) => {
      const startedAt = performance.now()
      const before = await totalOf(system.redis)
      await eventually(
        () => totalOf(system.redis),
        (now) => now >= before + more,
        { what: `${more} more records to be counted`, withinMs: 60_000 },
      )
      return performance.now() - startedAt
    },
    verdict: async (prefix, acknowledged = []) => {
      const startedAt = performance.now()
      await untilCounted(addresses.kafka, system.redis)
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      const seen = await checkCounters(addresses, system.redis, prefix, shards)
      const { ids, records, identities, mismatches } = seen
      const missing = acknowledged.filter((event) => !identities.has(event))
      const told = `${records} records in the log, ${ids} events of the load`
      const found = `${mismatches.length} counters differ, ${missing.length} of ${acknowledged.length} acknowledged uses missing`
      console.log(`${prefix}: ${told}, exact ${seconds} s after the last, ${found}`)
      return { mismatches, missing }
    },
    rebuilds: async () => (await rebuildsOf(system)) + (await rebuildsOf(other)),
    stop: () => running.disposeAsync(),
  }
}

/** Records that a pair's master counted and its replica has not: what is lost if the replica takes over now. */
export async function missingOn({ master, replica }: Pair): Promise<number> {
  const ahead = await master.ask(statesOf)
  const behind = await replica.ask(async (redis) => {
    await redis.readonly()
    return statesOf(redis)
  })
  const names = Array.from({ length: partitions['usage.events'] }, (_, partition) => `wm:${partition}`)
  return names.reduce((sum, name) => {
    const lost = ahead.map((state, shard) => Number(state[name] ?? -1) - Number(behind[shard]?.[name] ?? -1))
    return sum + Math.max(0, ...lost)
  }, 0)
}

/** The state of every shard that this server has, nothing for the others. */
async function statesOf(redis: Redis): Promise<readonly Readonly<Record<string, string>>[]> {
  return Promise.all(shards.map(({ meta }) => redis.hgetall(meta).catch(() => ({}))))
}

/** Records counted by every shard: the least position of each partition. */
async function totalOf(redis: Redis): Promise<number> {
  const states = await Promise.all(shards.map(({ meta }) => redis.hgetall(meta)))
  const names = new Set(
    states.flatMap((state) => Object.keys(state).filter((name) => name.startsWith('wm:'))),
  )
  return [...names].reduce(
    (sum, name) => sum + Math.min(...states.map((state) => Number(state[name] ?? -1))) + 1,
    0,
  )
}

async function untilCounted(brokers: string, redis: Redis): Promise<void> {
  const admin = connectKafka({ brokers, clientId: 'rig', log: createLogger('test', 'silent') }).admin()
  await admin.connect()
  const ranges = await readRanges(admin, 'usage.events')
  await admin.disconnect()
  await eventually(
    () => Promise.all(shards.map(({ meta }) => redis.hgetall(meta))),
    (states) =>
      states.every(
        (state) =>
          state['ready'] === '1' &&
          ranges.every(({ partition, high }) => Number(state[`wm:${partition}`] ?? -1) >= high - 1),
      ),
    { what: 'every shard to have counted the whole log', withinMs: 90_000 },
  )
}

async function rebuildsOf({ consumers, logOf }: System): Promise<number> {
  const text = await fetch(`${consumers}/metrics`).then(
    (response) => response.text(),
    (error: unknown) => {
      throw new Error(`the consumers are gone:\n${logOf('consumers')}`, { cause: error })
    },
  )
  const [, count] = /^tallygate_shard_rebuild_seconds_count (\d+)$/m.exec(text) ?? []
  if (count === undefined) throw new Error('the consumers do not say how many shards they rebuilt')
  return Number(count)
}
