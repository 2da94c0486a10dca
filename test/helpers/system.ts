import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis as RedisServer } from 'ioredis'
import type { Scope } from '#core/api-key.ts'
import { freePorts } from '#deploy/local/ports.ts'
import { type ServiceName, serviceEnv, stopServices } from '#deploy/services.ts'
import { setUp } from '#deploy/setup.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter, type RecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { connectMongo, type MongoConnection } from '#drivers/mongo/connect.ts'
import { ensureInstall, installWishFor } from '#drivers/mongo/install.ts'
import { KeyStore, type KeyWish } from '#drivers/mongo/key-store.ts'
import { isClusterUrl } from '#drivers/redis/address.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { freeze } from '#test/chaos/freeze.ts'
import { type EngineAddresses, engineAddresses } from './addresses.ts'
import { RUN_DIR } from './engines.ts'
import { eventually } from './eventually.ts'

/** Secret of the keys of every system of a test. */
export const PEPPER = 'pepper-of-a-test-run-0123456789abcdef'
const ALL: readonly Scope[] = ['check', 'consume', 'events:write', 'usage:read', 'admin']

/**
 * Tests share the machine with many others and stop often: patient with engines, quick to end, no key is slowed down.
 */
export const HURRIED = {
  SESSION_TIMEOUT_MS: '6000',
  CHECK_BUDGET_MS: '5000',
  HOLD_BUDGET_MS: '5000',
  DRAIN_MS: '0',
  KEY_REQUESTS_PER_S: '1000000',
  KEY_BURST: '1000000',
  LOOP_DELAY_MAX_MS: '10000',
} as const

/**
 * A process that meets an engine which does not answer ends, and its supervisor starts it again; on a machine that others
 * keep busy an engine may be silent for seconds.
 */
const STARTS_MAX = 3

/** A whole Tallygate as real processes on the engines of this run. */
export interface System extends SystemProcesses {
  readonly api: string
  readonly consumers: string
  /** A key with every scope, for all workspaces. */
  readonly key: string
  readonly writer: RecordWriter
  readonly redis: Redis
  /** Shards of its install. */
  readonly shards: number
  readonly mongo: MongoConnection
  readonly env: Readonly<Record<string, string>>
  readonly createKey: (wish: Partial<KeyWish>) => Promise<string>
  readonly stop: () => Promise<void>
}

/** What can be done to the processes of a system. */
interface SystemProcesses {
  /** Ends a process at once, as a crash does. */
  readonly kill: (name: ServiceName) => Promise<void>
  /** Sends a signal, for instance SIGCONT. */
  readonly signal: (name: ServiceName, signal: NodeJS.Signals) => void
  /** Stops a process where it stands; resolves when it does. */
  readonly freeze: (name: ServiceName) => Promise<void>
  /** The process, while it runs. */
  readonly pidOf: (name: ServiceName) => number | null
  /** What a process wrote last. */
  readonly logOf: (name: ServiceName) => string
  /** All that a process wrote. */
  readonly wholeLogOf: (name: ServiceName) => string
  /** Waits until a process ends by itself; its exit code and what it wrote last. */
  readonly ended: (name: ServiceName) => Promise<{ readonly code: number | null; readonly log: string }>
  /** Starts a process again and waits until it is ready. */
  readonly start: (name: ServiceName) => Promise<void>
}

/** Starts API and consumers, with topics, schemas and the default catalogue in place. */
export async function startSystem(
  names: readonly ServiceName[] = ['api', 'consumers'],
  settings: Readonly<Record<string, string>> = {},
  addresses: EngineAddresses = engineAddresses(),
): Promise<System> {
  await Promise.all([setUp(addresses), stopShared()])
  const [api = 0, admin = 0, consumers = 0] = await freePorts(3)
  const env = serviceEnv({ addresses, pepper: PEPPER, ports: { api, admin, consumers } })
  const processes = new Processes({ ...env, ...HURRIED, ...settings })
  const urls = { api: `http://127.0.0.1:${admin}/readyz`, consumers: `http://127.0.0.1:${consumers}/readyz` }
  const start = async (name: ServiceName): Promise<void> => processes.start(name, urls[name])
  await Promise.all(names.map(start)).catch(async (error: unknown) => {
    await processes.killAll()
    throw error
  })
  const connections = await connectSystem(addresses, env)
  if (names.includes('consumers')) await untilReady(connections.redis, connections.shards)
  return {
    ...connections,
    kill: (name) => processes.kill(name, 'SIGKILL'),
    signal: (name, signal) => processes.signal(name, signal),
    freeze: (name) => processes.freeze(name),
    pidOf: (name) => processes.pidOf(name),
    logOf: (name) => processes.logOf(name),
    wholeLogOf: (name) => processes.wholeLogOf(name),
    ended: (name) => processes.ended(name),
    start,
    stop: async () => {
      await Promise.all(names.map((name) => processes.kill(name, 'SIGTERM')))
      await connections.stop()
      processes.forget()
    },
  }
}

/** What a test uses of a system but its processes; `stop` closes the connections. */
export type SystemConnections = Omit<System, keyof SystemProcesses> & Pick<System, 'stop'>

/** Connects to a system that runs, from the settings of its processes. */
export async function connectSystem(
  addresses: EngineAddresses,
  env: Readonly<Record<string, string>>,
): Promise<SystemConnections> {
  const mongo = await connectMongo(addresses.mongo)
  const store = new KeyStore(mongo.db, PEPPER)
  const createKey = (wish: Partial<KeyWish>): Promise<string> =>
    store.create(
      { scopes: ALL, workspaces: '*', label: 'test', expiresAt: null, ...wish },
      { at: Date.now(), by: { kind: 'cli', id: 'test', label: 'test' } },
    )
  const log = createLogger('test', 'silent')
  const kafka = connectKafka({ brokers: addresses.kafka, clientId: 'test', log })
  const writer = await openRecordWriter(kafka, new SchemaRegistry(addresses.registry))
  const { shards } = await ensureInstall(mongo.db, installWishFor(addresses.redis))
  const redis = await openRedis(addresses.redis)
  redis.on('error', () => undefined)
  return {
    api: `http://127.0.0.1:${env['API_PORT']}`,
    consumers: `http://127.0.0.1:${env['CONSUMERS_PORT']}`,
    key: await createKey({}),
    writer,
    redis,
    shards,
    mongo,
    env,
    createKey,
    stop: async () => {
      await Promise.all([writer.close(), mongo.close(), redis.quit()])
    },
  }
}

async function openRedis(url: string): Promise<Redis> {
  return isClusterUrl(url) ? connectRedis({ url, commandTimeoutMs: 5_000 }) : new RedisServer(url)
}

/** A system that tests shared would read the same topics, as members of the same groups. */
async function stopShared(): Promise<void> {
  const dir = process.env[RUN_DIR]
  if (dir !== undefined) await stopServices(dir)
}

/** Waits until every shard answers: right after a start the log may still have to be read. */
export async function untilReady(redis: Redis, shards = SHARDS_DEFAULT): Promise<void> {
  await eventually(
    () => Promise.all(allShardKeys(shards).map(({ meta }) => redis.hget(meta, 'ready'))),
    (flags) => flags.every((flag) => flag === '1'),
    { what: 'every shard to be ready', withinMs: 60_000 },
  )
}

/** Whether by itself or by a signal: who waits for the end of what has ended waits for ever. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

class Processes {
  readonly #env: Readonly<Record<string, string>>
  readonly #logs = mkdtempSync(join(tmpdir(), 'tallygate-logs-'))
  readonly #running = new Map<ServiceName, ChildProcess>()

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env
  }

  async start(name: ServiceName, readyUrl: string): Promise<void> {
    if (this.#running.has(name)) return
    for (let starts = 1; ; starts += 1) {
      const child = this.#spawn(name)
      const state = await eventually(
        async () => {
          if (hasEnded(child)) return 'ended'
          return (await fetch(readyUrl)).ok ? 'ready' : 'starting'
        },
        (seen) => seen !== 'starting',
        { what: `${name} to be ready`, withinMs: 60_000 },
      )
      if (state === 'ready') return
      this.#running.delete(name)
      const log = this.logOf(name)
      if (starts === STARTS_MAX || !log.includes('"code":"unavailable"'))
        throw new Error(`${name} ended:\n${log}`)
    }
  }

  #spawn(name: ServiceName): ChildProcess {
    const main = new URL(`../../${name}/main.ts`, import.meta.url).pathname
    const log = openSync(join(this.#logs, `${name}.log`), 'a')
    const env = { ...process.env, ...this.#env }
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#running.set(name, child)
    return child
  }

  /** Ends all at once. */
  async killAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name, 'SIGKILL')))
  }

  async kill(name: ServiceName, signal: NodeJS.Signals): Promise<void> {
    if (!this.#running.has(name)) return
    this.signal(name, signal)
    await this.ended(name)
  }

  signal(name: ServiceName, signal: NodeJS.Signals): void {
    this.#running.get(name)?.kill(signal)
  }

  async freeze(name: ServiceName): Promise<void> {
    const pid = this.pidOf(name)
    if (pid === null) throw new Error(`${name} does not run`)
    await freeze(pid)
  }

  pidOf(name: ServiceName): number | null {
    return this.#running.get(name)?.pid ?? null
  }

  async ended(name: ServiceName): Promise<{ readonly code: number | null; readonly log: string }> {
    const child = this.#running.get(name)
    if (child !== undefined && !hasEnded(child)) await new Promise((resolve) => child.once('close', resolve))
    this.#running.delete(name)
    return { code: child?.exitCode ?? null, log: this.logOf(name) }
  }

  forget(): void {
    rmSync(this.#logs, { recursive: true, force: true })
  }

  logOf(name: ServiceName): string {
    return this.wholeLogOf(name).slice(-8_000)
  }

  wholeLogOf(name: ServiceName): string {
    return readFileSync(join(this.#logs, `${name}.log`), 'utf8')
  }
}
