import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { type EngineAddresses, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { checkCounters, type Mismatch } from './log-checker.ts'
import { RedisServer } from './redis-server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/** Engines of a test's own that can be broken, with two consumers and an API on them. */
export interface Rig {
  /** API and one consumer. */
  readonly system: System
  /** A second consumer. */
  readonly other: System
  readonly redis: RedisServer
  readonly proxies: { readonly redis: TcpProxy; readonly mongo: TcpProxy; readonly registry: TcpProxy }
  readonly dir: string
  /** Addresses past the proxies. */
  readonly direct: EngineAddresses
  /** Starts the engines again that are down. */
  readonly startEngines: () => Promise<void>
  /** Waits until everything in the log is counted, then compares with the log; what differs, which must be nothing. */
  readonly verdict: (prefix: string, onRedis?: RedisServer) => Promise<readonly Mismatch[]>
  readonly stop: () => Promise<void>
}

/** Addresses of the run's own engines, which are not to be broken. */
const given = new Set(['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'REDIS_URL', 'MONGODB_URL'])
const shards = allShardKeys(SHARDS_DEFAULT)

/** Starts everything; `settings` are the processes' own. */
export async function startRig(settings: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-chaos-'))
  const redis = await RedisServer.start()
  const address = `redis://127.0.0.1:${redis.port}`
  const inherited = Object.entries(process.env).filter(([name]) => !given.has(name))
  const env = { ...Object.fromEntries(inherited), REDIS_URL: address }
  const options = { dir, env, allowDocker: false, report: () => undefined } as const
  const direct = await startEngines({ ...options, ports: 'free' })
  const portOf = (url: string): number => Number(new URL(url).port)
  const proxies = {
    redis: await TcpProxy.open(redis.port),
    mongo: await TcpProxy.open(portOf(direct.mongo)),
    registry: await TcpProxy.open(portOf(direct.registry)),
  }
  const through = (url: string, proxy: TcpProxy): string => url.replace(/:\d+(?=\/|$)/, `:${proxy.port}`)
  const addresses = {
    kafka: direct.kafka,
    redis: through(direct.redis, proxies.redis),
    mongo: through(direct.mongo, proxies.mongo),
    registry: through(direct.registry, proxies.registry),
  }
  const own = { SNAPSHOT_EVERY_MS: '500', SESSION_TIMEOUT_MS: '6000', ...settings }
  const system = await startSystem(['api', 'consumers'], own, addresses)
  const other = await startSystem(['consumers'], own, addresses)
  const ports = {
    kafka: Number(direct.kafka.split(':')[1]),
    controller: 0,
    redis: redis.port,
    mongo: portOf(direct.mongo),
    registry: portOf(direct.registry),
  }
  return {
    system,
    other,
    redis,
    proxies,
    dir,
    direct,
    startEngines: async () => {
      await startEngines({ ...options, ports })
    },
    verdict: (prefix, onRedis = redis) =>
      onRedis.ask(async (connection) => {
        await untilCounted(direct.kafka, connection)
        return (await checkCounters(direct, connection, prefix)).mismatches
      }),
    stop: async () => {
      for (const proxy of Object.values(proxies)) proxy.set({ kind: 'pass' })
      await Promise.all([system.stop(), other.stop()])
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()))
      await Promise.all([stopEngines(dir), redis.stop()])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function untilCounted(brokers: string, redis: Redis): Promise<void> {
  const log = createLogger('test', 'silent')
  const admin = connectKafka({ brokers, clientId: 'rig', log }).admin()
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
