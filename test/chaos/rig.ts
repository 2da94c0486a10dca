import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { EngineName } from '#deploy/local/engine.ts'
import { type EngineAddresses, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { freePorts, isListening } from '#deploy/local/ports.ts'
import { runningPid } from '#deploy/local/process.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { engineDir } from '#test/helpers/engine-dir.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { Disk } from './disk.ts'
import { freeze } from './freeze.ts'
import { type Load, startLoad } from './load.ts'
import { checkCounters, type Mismatch } from './log-checker.ts'
import { RedisServer } from './redis-server.ts'
import { TcpProxy } from './tcp-proxy.ts'

/**
 * Kafka and Redis of a test's own that can be broken, with two consumers and an API on them. MongoDB, in a database of
 * its own, and the registry are the run's, behind proxies.
 */
export interface Rig {
  /** API and one consumer. */
  readonly system: System
  /** A second consumer. */
  readonly other: System
  readonly redis: RedisServer
  readonly proxies: { readonly redis: TcpProxy; readonly mongo: TcpProxy; readonly registry: TcpProxy }
  /** In front of the Redis proxy, for the processes of `system` alone. */
  readonly ownRedis: TcpProxy
  readonly dir: string
  /** What the data of an engine is on, where that was asked for. */
  readonly disks: { readonly kafka: Disk | null; readonly mongo: Disk | null }
  /** Addresses that lead through the proxies, and the settings of the processes: for one more of them. */
  readonly addresses: EngineAddresses
  readonly settings: Readonly<Record<string, string>>
  /** Addresses past the proxies. */
  readonly direct: EngineAddresses
  /** Sends a signal to an engine, for instance SIGCONT. */
  readonly signalEngine: (name: EngineName, signal: NodeJS.Signals) => void
  /** Stops an engine where it stands; resolves when it does. */
  readonly freezeEngine: (name: EngineName) => Promise<void>
  /** Ends an engine as a crash does, if it has not ended by itself; resolves when its port is free. */
  readonly killEngine: (name: EngineName) => Promise<void>
  /** Starts the engines again that are down. */
  readonly startEngines: () => Promise<void>
  /** Writes events whose workspaces begin with a name and the seed. */
  readonly load: (name: string, seed: number) => Load & { readonly prefix: string }
  /** Waits until so many records more are counted, so that a fault falls into the middle of work. */
  readonly counted: (more: number) => Promise<void>
  /** Waits until records of every partition, but for one maybe, were counted since now: each has an owner that works. */
  readonly everyPartitionMoves: (but?: number) => Promise<void>
  /** Waits until everything in the log is counted, then compares with the log; what differs, which must be nothing. */
  readonly verdict: (prefix: string, onRedis?: RedisServer) => Promise<readonly Mismatch[]>
  readonly stop: () => Promise<void>
}

const shards = allShardKeys(SHARDS_DEFAULT)

/** More than a test writes. */
const REDIS_DISK_MB = 512
const ENGINE_DISK_MB = 256

interface RigOptions {
  /** Of the processes. */
  readonly settings?: Readonly<Record<string, string>>
  /** A MongoDB of its own as well, to be killed. */
  readonly ownMongo?: boolean
  /** Puts the data of Kafka and of such a MongoDB on disks that can be filled. */
  readonly ownDisks?: boolean
}

/** Starts everything. */
export async function startRig({
  settings = {},
  ownMongo = false,
  ownDisks = false,
}: RigOptions = {}): Promise<Rig> {
  const dir = engineDir('chaos')
  const diskOf = (name: EngineName): Disk | null =>
    ownDisks ? new Disk(join(dir, 'data', name), ENGINE_DISK_MB) : null
  const disks = { kafka: diskOf('kafka'), mongo: ownMongo ? diskOf('mongo') : null }
  const redis = await RedisServer.startOnDisk(REDIS_DISK_MB)
  const address = `redis://127.0.0.1:${redis.port}`
  const shared = engineAddresses()
  const env = {
    ...process.env,
    KAFKA_BROKERS: undefined,
    REDIS_URL: address,
    MONGODB_URL: ownMongo ? undefined : databaseBeside(shared.mongo),
  }
  const [kafka = 0, controller = 0, ownPort = 0] = await freePorts(3)
  const [mongo, registry] = [ownMongo ? ownPort : portOf(shared.mongo), portOf(shared.registry)]
  const ports = { kafka, controller, redis: redis.port, mongo, registry }
  const options = { dir, env, ports, allowDocker: false, report: () => undefined } as const
  const direct = await startEngines(options)
  const proxies = {
    redis: await TcpProxy.open(redis.port),
    mongo: await TcpProxy.open(mongo),
    registry: await TcpProxy.open(registry),
  }
  const ownRedis = await TcpProxy.open(proxies.redis.port)
  const through = (url: string, proxy: TcpProxy): string => url.replace(/:\d+(?=\/|$)/, `:${proxy.port}`)
  const addresses = {
    kafka: direct.kafka,
    redis: through(direct.redis, proxies.redis),
    mongo: through(direct.mongo, proxies.mongo),
    registry: through(direct.registry, proxies.registry),
  }
  const own = { SNAPSHOT_EVERY_MS: '1500', SESSION_TIMEOUT_MS: '6000', ...settings }
  const system = await startSystem(['api', 'consumers'], own, {
    ...addresses,
    redis: through(direct.redis, ownRedis),
  })
  const other = await startSystem(['consumers'], own, addresses)
  const pidOf = (name: EngineName): number => {
    const pid = runningPid(dir, name)
    if (pid === null) throw new Error(`${name} does not run`)
    return pid
  }
  const signalEngine = (name: EngineName, signal: NodeJS.Signals): void => {
    process.kill(pidOf(name), signal)
  }
  return {
    system,
    other,
    redis,
    proxies,
    ownRedis,
    dir,
    disks,
    addresses,
    settings: own,
    direct,
    signalEngine,
    freezeEngine: (name) => freeze(pidOf(name)),
    killEngine: async (name) => {
      if (runningPid(dir, name) !== null) signalEngine(name, 'SIGKILL')
      await eventually(
        () => isListening(ports[name]),
        (listens) => !listens,
        { what: `the port of ${name} to be free` },
      )
    },
    startEngines: async () => {
      await startEngines(options)
    },
    load: (name, seed) => {
      const prefix = `${name}${seed}`
      return { prefix, ...startLoad(system, { seed, prefix, workspaces: 200 }) }
    },
    counted: async (more) => {
      const total = async (): Promise<number> =>
        (await redis.ask(watermarks)).reduce((sum, watermark) => sum + watermark + 1, 0)
      const before = await total()
      await eventually(total, (now) => now >= before + more, {
        what: `${more} more records to be counted`,
        withinMs: 60_000,
      })
    },
    everyPartitionMoves: async (but) => {
      const before = await redis.ask(watermarks)
      await eventually(
        () => redis.ask(watermarks),
        (now) =>
          now.every((watermark, partition) => partition === but || watermark > (before[partition] ?? -1)),
        { what: 'records of every partition to be counted', withinMs: 60_000 },
      )
    },
    verdict: (prefix, onRedis = redis) =>
      onRedis.ask(async (connection) => {
        const startedAt = performance.now()
        await untilCounted(direct.kafka, connection)
        const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
        const { ids, mismatches } = await checkCounters(direct, connection, prefix)
        console.log(
          `${prefix}: ${ids} events, exact ${seconds} s after the last, ${mismatches.length} counters differ`,
        )
        return mismatches
      }),
    stop: async () => {
      const all = [ownRedis, ...Object.values(proxies)]
      for (const proxy of all) proxy.set({ kind: 'pass' })
      await Promise.all([system.stop(), other.stop()])
      await Promise.all(all.map((proxy) => proxy.close()))
      await Promise.all([stopEngines(dir), redis.stop()])
      for (const disk of Object.values(disks)) disk?.remove()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function databaseBeside(url: string): string {
  const own = new URL(url)
  own.pathname = `/rig-${randomBytes(4).toString('hex')}`
  return own.href
}

/** The highest offset that any shard covers, by partition. */
async function watermarks(redis: Redis): Promise<readonly number[]> {
  const states = await Promise.all(shards.map(({ meta }) => redis.hgetall(meta)))
  return Array.from({ length: partitions['usage.events'] }, (_, partition) =>
    Math.max(...states.map((state) => Number(state[`wm:${partition}`] ?? -1))),
  )
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
