import { randomUUID } from 'node:crypto'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { schemaText, typeOfSchema } from '#schemas/records.ts'
import { PREFIX_BYTES } from '#schemas/wire-format.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { bareWrites, readBare, writeBare } from './bare-ingest.ts'
import { type Cpu, CpuTime, cpuText } from './cpu-time.ts'
import { median, medianRatio, ROUNDS, type Row } from './statistics.ts'

const EVENTS = 300_000
const WORKSPACES = 1_000
const shards = allShardKeys(SHARDS_DEFAULT)
const lead = typeOfSchema(schemaText('LeadEvent'))

/** From the log to exact counters after everything in Redis was lost, against what Redis and Kafka allow alone. */
export async function benchIngest(system: System): Promise<readonly Row[]> {
  await system.kill('consumers')
  await fill(system)
  const slices = bareWrites({ events: EVENTS, workspaces: WORKSPACES })
  const rates = { ours: [] as number[], whole: [] as number[], written: [] as number[], read: [] as number[] }
  const cpu = await CpuTime.of(system)
  const spent: Cpu[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.read.push(
      EVENTS / (await readBare(EVENTS, (value) => lead.fromBuffer(value.subarray(PREFIX_BYTES)))),
    )
    rates.written.push(await writeBare(system.redis, slices, EVENTS))
    cpu.restart()
    const { steady, whole } = await replay(system, () => {
      spent.push(cpu.each(EVENTS))
    })
    rates.ours.push(steady)
    rates.whole.push(whole)
  }
  await system.start('consumers')
  return ingestRows(rates, `${cpuText(spent)}, start included`)
}

interface IngestRates {
  readonly ours: readonly number[]
  readonly whole: readonly number[]
  readonly written: readonly number[]
  readonly read: readonly number[]
}

function ingestRows({ ours, whole, written, read }: IngestRates, cpu: string): readonly Row[] {
  const limit = `variadic SADD and HINCRBY, pipelined, no script ${Math.round(median(written))} events/s`
  const ratio = medianRatio(ours, written)
  return [
    {
      path: 'ingest, Kafka to exact counters',
      figure: `${Math.round(median(ours))} events/s`,
      limit,
      ratio,
      rounds: ROUNDS,
      cpu,
      goal: {
        text: '≥ 0.5 and ≥ 200,000 events/s',
        isMet: ratio >= 0.5 && median(ours) >= 200_000,
      },
    },
    {
      path: 'ingest, from the start of the process to the last event',
      figure: `${Math.round(median(whole))} events/s`,
      limit: `bare consumer that decodes ${Math.round(median(read))} records/s`,
      ratio: medianRatio(whole, read),
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
