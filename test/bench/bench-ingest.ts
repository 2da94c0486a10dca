import { randomUUID } from 'node:crypto'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { bareWrites, readBare, writeBare } from './bare-ingest.ts'
import { CpuTime } from './cpu-time.ts'
import { median, type Row } from './statistics.ts'

const EVENTS = 300_000
const WORKSPACES = 1_000
const ROUNDS = 5
const shards = allShardKeys(SHARDS_DEFAULT)

/** From the log to exact counters after everything in Redis was lost, against what Redis and Kafka allow alone. */
export async function benchIngest(system: System): Promise<readonly Row[]> {
  await system.kill('consumers')
  await fill(system)
  const slices = bareWrites({ events: EVENTS, workspaces: WORKSPACES })
  const rates = { ours: [] as number[], whole: [] as number[], written: [] as number[], read: [] as number[] }
  const cpu = await CpuTime.of(system)
  let spent = ''
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.read.push(EVENTS / (await readBare(EVENTS)))
    rates.written.push(await writeBare(system.redis, slices, EVENTS))
    cpu.restart()
    const { steady, whole } = await replay(system, () => {
      spent = cpu.perOperation(EVENTS)
    })
    rates.ours.push(steady)
    rates.whole.push(whole)
  }
  await system.start('consumers')
  const [ours, whole, written, read] = [rates.ours, rates.whole, rates.written, rates.read].map(median)
  return ingestRows({ ours, whole, written, read, cpu: `${spent}, start included` })
}

interface IngestFigures {
  readonly ours: number | undefined
  readonly whole: number | undefined
  readonly written: number | undefined
  readonly read: number | undefined
  readonly cpu: string
}

function ingestRows({ ours = 0, whole = 0, written = 0, read = 0, cpu }: IngestFigures): readonly Row[] {
  const limit = `variadic SADD and HINCRBY, pipelined, no script ${Math.round(written)} events/s`
  return [
    {
      path: 'ingest, Kafka to exact counters',
      figure: `${Math.round(ours)} events/s`,
      limit,
      ratio: ours / written,
      rounds: ROUNDS,
      cpu,
      goal: {
        text: '≥ 0.5 and ≥ 200,000 events/s',
        isMet: ours >= 0.5 * written && ours >= 200_000,
      },
    },
    {
      path: 'ingest, from the start of the process to the last event',
      figure: `${Math.round(whole)} events/s`,
      limit: `bare consumer ${Math.round(read)} records/s`,
      ratio: whole / read,
      rounds: ROUNDS,
    },
  ]
}

const prefix = `bench-${randomUUID().slice(0, 6)}`

async function fill(system: System): Promise<void> {
  const occurredAt = Date.now()
  for (let from = 0; from < EVENTS; from += 5_000) {
    const writes = Array.from({ length: 5_000 }, (_, index) => {
      const id = randomUUID()
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

interface Rates {
  /** From the first tenth of the events on. */
  readonly steady: number
  /** All events, from the start of the process. */
  readonly whole: number
}

/** Events a second from an empty Redis to counters that hold all of them. */
async function replay(system: System, onCounted: () => void): Promise<Rates> {
  await system.redis.flushall()
  const samples: { at: number; count: number }[] = []
  const startedAt = performance.now()
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
  return {
    steady: (last.count - first.count) / ((last.at - first.at) / 1_000),
    whole: last.count / ((last.at - startedAt) / 1_000),
  }
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
