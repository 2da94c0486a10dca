import { randomUUID } from 'node:crypto'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { CpuTime } from './cpu-time.ts'
import { median, percentile, type Row } from './statistics.ts'

const EVENTS = 300_000
const WORKSPACES = 1_000
const ROUNDS = 5
const shards = allShardKeys(SHARDS_DEFAULT)

/** From the log to exact counters after everything in Redis was lost, against reading the same log bare. */
export async function benchIngest(system: System): Promise<readonly Row[]> {
  await system.kill('consumers')
  await fill(system)
  const rates = { ours: [] as number[], bare: [] as number[] }
  const cpu = await CpuTime.of(system)
  let spent = ''
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.bare.push(await readBare())
    cpu.restart()
    rates.ours.push(
      await replay(system, () => {
        spent = cpu.perOperation(EVENTS)
      }),
    )
  }
  const [ours, limit] = [median(rates.ours), median(rates.bare)]
  return [
    {
      path: 'ingest, Kafka to exact counters',
      figure: `${Math.round(ours)} events/s`,
      limit: `bare consumer ${Math.round(limit)} records/s`,
      ratio: ours / limit,
      rounds: ROUNDS,
      cpu: `${spent}, start included`,
    },
  ]
}

const prefix = `bench-${randomUUID().slice(0, 6)}`

async function fill(system: System): Promise<void> {
  const occurredAt = Date.now()
  for (let from = 0; from < EVENTS; from += 5_000) {
    const writes = Array.from({ length: 5_000 }, (_, index) => {
      const id = `e${from + index}`
      const value = {
        id,
        workspace: `${prefix}-${(from + index) % WORKSPACES}`,
        occurredAt,
        source: 'bench',
        leadId: id,
        action: 'created',
      }
      return system.writer.write({ record: 'LeadEvent', value })
    })
    await Promise.all(writes)
  }
}

/** Records a second that kafkajs alone takes from the same topic, from the moment it has its partitions. */
async function readBare(): Promise<number> {
  const log = createLogger('bench', 'silent')
  const kafka = connectKafka({ brokers: engineAddresses().kafka, clientId: 'bare', log })
  const consumer = kafka.consumer({ groupId: `bare-${randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic: 'usage.events', fromBeginning: true })
  let read = 0
  let startedAt = 0
  consumer.on(consumer.events.GROUP_JOIN, () => {
    startedAt = performance.now()
  })
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch }) => {
      read += batch.messages.length
    },
  })
  await eventually(
    async () => read,
    (count) => count >= EVENTS,
    { what: 'the bare consumer', withinMs: 60_000 },
  )
  const rate = read / ((performance.now() - startedAt) / 1_000)
  await consumer.disconnect()
  return rate
}

/** Events a second from an empty Redis to counters that hold all of them, measured from the first tenth on. */
async function replay(system: System, onCounted: () => void): Promise<number> {
  await system.redis.flushall()
  const samples: { at: number; count: number }[] = []
  const started = system.start('consumers')
  await eventually(
    async () => {
      const count = await counted(system)
      samples.push({ at: performance.now(), count })
      return count
    },
    (count) => count >= EVENTS,
    { what: 'all events to be counted', withinMs: 120_000 },
  )
  onCounted()
  await started
  await system.kill('consumers')
  const [first, last] = [samples.find(({ count }) => count >= EVENTS / 10), samples.at(-1)]
  if (first === undefined || last === undefined || last.at === first.at)
    throw new Error('counted faster than it can be sampled')
  return (last.count - first.count) / ((last.at - first.at) / 1_000)
}

async function counted(system: System): Promise<number> {
  const pipeline = system.redis.pipeline()
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspace = `${prefix}-${index}`
    pipeline.hget(shards[shardOf(workspace, shards.length)]?.usage(workspace) ?? '', 'leads')
  }
  const replies = await pipeline.exec()
  return (replies ?? []).reduce((sum, [, count]) => sum + Number(count ?? 0), 0)
}

const PROBES = 300
const LOAD_PER_SECOND = 5_000

/** From the acknowledgement of an event to its count, while others arrive at a steady rate. */
export async function benchLag(system: System): Promise<readonly Row[]> {
  await system.start('consumers')
  let isOver = false
  const load = (async () => {
    for (let tick = 0; !isOver; tick += 1) {
      const startedAt = performance.now()
      const burst = Array.from({ length: LOAD_PER_SECOND / 100 }, (_, index) =>
        send(system, `${prefix}-load-${index}`, `l${tick}-${index}`),
      )
      await Promise.all(burst)
      await new Promise((resolve) => setTimeout(resolve, Math.max(10 - (performance.now() - startedAt), 0)))
    }
  })()
  const lags: number[] = []
  for (let warmUp = 1; warmUp <= 50; warmUp += 1) await probeOnce(system, -warmUp)
  for (let probe = 0; probe < PROBES; probe += 1) lags.push(await probeOnce(system, probe))
  if (process.env['SHOW_LAGS'] !== undefined) process.stderr.write(`${lags.map(Math.round).join(' ')}\n`)
  isOver = true
  await load
  return [
    {
      path: `enforcement lag at up to ${LOAD_PER_SECOND} events/s, p50`,
      figure: `${percentile(lags, 0.5).toFixed(1)} ms`,
      limit: '–',
      ratio: null,
      rounds: PROBES,
    },
    {
      path: `enforcement lag at up to ${LOAD_PER_SECOND} events/s, p99`,
      figure: `${percentile(lags, 0.99).toFixed(1)} ms`,
      limit: '–',
      ratio: null,
      rounds: PROBES,
    },
  ]
}

async function probeOnce(system: System, probe: number): Promise<number> {
  const workspace = `${prefix}-probe-${probe}`
  const key = shards[shardOf(workspace, shards.length)]?.usage(workspace) ?? ''
  await send(system, workspace, 'p')
  const acknowledgedAt = performance.now()
  for (;;) {
    if ((await system.redis.hget(key, 'leads')) !== null) return performance.now() - acknowledgedAt
    if (performance.now() - acknowledgedAt > 30_000)
      throw new Error(`${workspace} was not counted within 30 s`)
  }
}

async function send(system: System, workspace: string, id: string): Promise<void> {
  const value = { id, workspace, occurredAt: Date.now(), source: 'bench', leadId: id, action: 'created' }
  await system.writer.write({ record: 'LeadEvent', value })
}
