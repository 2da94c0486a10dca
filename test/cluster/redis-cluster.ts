import { runCommand } from '#deploy/local/run-command.ts'
import { isClusterUrl } from '#drivers/redis/address.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { eventually } from '#test/helpers/eventually.ts'

const MASTERS = 3
/** After so long without an answer a master counts as lost and its replica is elected. */
const NODE_TIMEOUT_MS = 3_000

/**
 * Settings of a node beyond those that counting rests on: the rest goes on serving while a master is away, and with
 * one replica each a promoted one may write alone.
 */
const settings = [
  ...['--cluster-enabled', 'yes'],
  ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
  ...['--cluster-require-full-coverage', 'no'],
] as const

/** A master and its replica, as the cluster itself names them. */
export interface Pair {
  readonly master: RedisServer
  readonly replica: RedisServer
}

/** Six servers: three masters with a replica each. */
export class RedisCluster {
  readonly #servers: readonly RedisServer[]

  private constructor(servers: readonly RedisServer[]) {
    this.#servers = servers
  }

  static async start(): Promise<RedisCluster> {
    const servers: RedisServer[] = []
    while (servers.length < 2 * MASTERS) servers.push(await RedisServer.startNode(...settings))
    const addresses = servers.map(({ port }) => `127.0.0.1:${port}`)
    const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']
    await runCommand('redis-cli', create)
    const cluster = new RedisCluster(servers)
    await eventually(
      () => Promise.all(servers.map((server) => server.ask((redis) => redis.info('replication')))),
      (infos) =>
        infos.filter((info) => info.includes('role:master')).length === MASTERS &&
        infos.filter((info) => info.includes('master_link_status:up')).length === MASTERS,
      { what: 'three masters, each followed by a replica', withinMs: 30_000 },
    )
    return cluster
  }

  /** As REDIS_URL has it. */
  get url(): string {
    const url = `redis+cluster://${this.#servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
    if (!isClusterUrl(url)) throw new Error(`${url} is no address of a cluster`)
    return url
  }

  /** The master that serves a key, and its replica. */
  async pairOf(key: string): Promise<Pair> {
    const [any] = this.#servers
    if (any === undefined) throw new Error('no server')
    const slot = await any.ask((redis) => redis.cluster('KEYSLOT', key))
    const ranges = await any.ask((redis) => redis.cluster('SLOTS'))
    const own = ranges.map(rangeOf).find(({ from, to }) => slot >= from && slot <= to)
    const [master, replica] = (own?.ports ?? []).map((port) => this.#servers.find((s) => s.port === port))
    if (master === undefined || replica === undefined) throw new Error(`no replica serves ${key}`)
    return { master, replica }
  }

  /** Waits until a replica has taken its master's place; how long that took, ms. */
  async promoted({ replica }: Pair): Promise<number> {
    const startedAt = performance.now()
    await eventually(
      () => replica.ask((redis) => redis.info('replication')),
      (info) => info.includes('role:master'),
      { what: `the replica on ${replica.port} to be promoted`, withinMs: 30_000 },
    )
    return performance.now() - startedAt
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()))
  }
}

/** Cuts a replica off from its master for good, while both live: what is written from now on is not copied. */
export async function cutReplica({ master, replica }: Pair): Promise<void> {
  await replica.ask((redis) => redis.config('SET', 'masterauth', 'not the password'))
  await master.ask((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'replica'))
  await eventually(
    () => replica.ask((redis) => redis.info('replication')),
    (info) => info.includes('master_link_status:down'),
    { what: 'the replica to lose its master' },
  )
}

function rangeOf(range: readonly unknown[]): { from: number; to: number; ports: readonly number[] } {
  const [from, to, ...nodes] = range
  const ports = nodes.map((node) => Number(Array.isArray(node) ? node[1] : 0))
  return { from: Number(from), to: Number(to), ports }
}
