import autocannon from 'autocannon'
import { ownUsage } from '#core/usage/own-usage.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { ensureInstall, installWish } from '#drivers/mongo/install.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { CpuTime } from './cpu-time.ts'
import { median, percentile, type Row } from './statistics.ts'

const ROUNDS = 3
const SECONDS = 5
const CONNECTIONS = 128
const WORKSPACES = 20

interface Measured {
  readonly rate: number
  readonly p99: number
}

/**
 * `POST /v1/consume`, each with a new id and its event in the log with acks all before the answer, against the same
 * hold script and the same gathered writes in one process without HTTP, validation and decisions.
 */
export async function benchConsume(system: System): Promise<readonly Row[]> {
  const workspaces: string[] = []
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'pro', seats: 1_000 })
    workspaces.push(workspace.id)
  }
  const bare = await openBare(system)
  const cpu = await CpuTime.of(system)
  const spent = { ours: '', bare: '' }
  const seen = { ours: [] as Measured[], bare: [] as Measured[] }
  for (let round = 0; round <= ROUNDS; round += 1) {
    cpu.restart()
    const limit = await bare.measure(workspaces, round)
    spent.bare = cpu.perOperation(limit.rate * SECONDS)
    cpu.restart()
    const own = await load(system, workspaces, round)
    spent.ours = cpu.perOperation(own.rate * SECONDS)
    if (round === 0) continue
    seen.bare.push(limit)
    seen.ours.push(own)
  }
  await bare.close()
  const middle = (of: readonly Measured[], what: keyof Measured): number => median(of.map((one) => one[what]))
  const [ours, limit] = [middle(seen.ours, 'rate'), middle(seen.bare, 'rate')]
  const [tail, limitTail] = [middle(seen.ours, 'p99'), middle(seen.bare, 'p99')]
  return [
    {
      path: `consume over HTTP, ${CONNECTIONS} connections, in the log before the answer`,
      figure: `${Math.round(ours)}/s`,
      limit: `hold script and gathered writes ${Math.round(limit)}/s`,
      ratio: ours / limit,
      rounds: ROUNDS,
      cpu: `${spent.ours} (bare: ${spent.bare})`,
      goal: { text: '15,000/s', isMet: ours >= 15_000 },
    },
    {
      path: 'consume over HTTP, p99',
      figure: `${tail.toFixed(1)} ms`,
      limit: `hold script and gathered writes ${limitTail.toFixed(1)} ms`,
      ratio: tail / limitTail,
      rounds: ROUNDS,
      goal: { text: '25 ms', isMet: tail <= 25 },
    },
  ]
}

async function load(system: System, workspaces: readonly string[], round: number): Promise<Measured> {
  let made = 0
  const body = (): string => {
    const [id, workspace] = [`r${round}-${made}`, workspaces[made++ % workspaces.length]]
    return JSON.stringify({ workspace, id, items: [{ feature: 'leads', quantity: 1 }] })
  }
  const result = await autocannon({
    url: `${system.api}/v1/consume`,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${system.key}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
  return { rate: result.requests.average, p99: result.latency.p99 }
}

interface Bare {
  readonly measure: (workspaces: readonly string[], round: number) => Promise<Measured>
  readonly close: () => Promise<void>
}

async function openBare(system: System): Promise<Bare> {
  const addresses = engineAddresses()
  const log = createLogger('bench', 'silent')
  const install = await ensureInstall(system.mongo.db, installWish)
  const redis = await connectRedis({ url: addresses.redis, commandTimeoutMs: 2_000 })
  const kafka = connectKafka({ brokers: addresses.kafka, clientId: 'bench', log })
  const writer = new UsageWriter({ kafka, registry: new SchemaRegistry(addresses.registry), log })
  await writer.start()
  const holds = redisHoldStore({
    redis,
    shards: allShardKeys(install.shards),
    partitionOf: partitionerOf(install.usagePartitions),
    hasher: dedupeHasher(install.dedupeKey),
    clock: Date.now,
  })
  const once = async (workspace: string, operation: string): Promise<void> => {
    const meters = [{ meter: 'leads', aggregation: 'level', window: null }] as const
    const groups = [{ limit: null, bindsFrom: 0, isDenied: false, meters }]
    const items = [{ group: 0, meter: 'leads', quantity: 1, subject: null }]
    const state = {
      fingerprint: 'f',
      occurredAt: null,
      state: 'committing',
      dueMs: 30_000,
      partial: false,
    } as const
    const basis = { factsRevision: '1.0.0', catalogueRevision: 1e6, from: 0, until: Number.MAX_SAFE_INTEGER }
    const reply = await holds.hold({ workspace, operation, ...state, groups, items }, basis)
    if (reply.outcome !== 'held') throw new Error(`the bare hold was ${reply.outcome}`)
    await writer.produce(reply.reading.open.map((open) => ownUsage({ workspace, operation }, open)))
  }
  return {
    measure: async (workspaces, round) => {
      const times: number[] = []
      const until = performance.now() + SECONDS * 1_000
      const work = async (worker: number): Promise<void> => {
        for (let call = 0; performance.now() < until; call += 1) {
          const startedAt = performance.now()
          await once(workspaces[call % workspaces.length] ?? '', `b${round}-${worker}-${call}`)
          times.push(performance.now() - startedAt)
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, worker) => work(worker)))
      return { rate: times.length / SECONDS, p99: percentile(times, 0.99) }
    },
    close: async () => {
      await writer.stop()
      await redis.quit()
    },
  }
}
