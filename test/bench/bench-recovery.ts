import { randomUUID } from 'node:crypto'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { type LogRange, readRanges } from '#drivers/kafka/scan-topic.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { keepRedis, setBackRedis } from '#test/helpers/kept-redis.ts'
import { p99, startOpenLoop } from '#test/helpers/open-loop.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { readBare } from './bare-ingest.ts'
import { type Cpu, CpuTime, cpuText } from './cpu-time.ts'
import { median, medianRatio, ROUNDS, type Row } from './statistics.ts'

const EVENTS = 1_000_000
const WORKSPACES = 10_000
const AT_ONCE = 10_000
const CHECKS_PER_SECOND = 500
const prefix = `recovery-${randomUUID().slice(0, 6)}`
const shards = allShardKeys(SHARDS_DEFAULT)

/**
 * A million events of ten thousand workspaces: how fast they are counted while checks are asked, what their ids
 * take in Redis, and how long it takes until all counters are exact again after FLUSHALL.
 */
export async function benchRecovery(system: System): Promise<readonly Row[]> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  await system.kill('consumers')
  const before = await sizeOfLog()
  await fill(system)
  const applied = await applyAgainAndAgain(system, workspace.id, before)
  const [seconds, reading]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1) {
    reading.push(await readBare(await sizeOfLog()))
    seconds.push(await recover(system))
  }
  return [...appliedRows(applied), ...recoveredRows(seconds, reading)]
}

/** What rounds of counting the backlog came to. */
interface Applied {
  readonly rates: number[]
  readonly tails: number[]
  readonly bytes: number[]
  readonly spent: Cpu[]
}

/** Counts the same backlog round after round: Redis, which says how far it was counted, is set back each time. */
async function applyAgainAndAgain(system: System, workspace: string, before: number): Promise<Applied> {
  const uncounted = await keepRedis(system)
  const cpu = await CpuTime.of(system)
  const applied: Applied = { rates: [], tails: [], bytes: [], spent: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    await system.kill('consumers')
    await setBackRedis(system, uncounted)
    cpu.restart()
    const { rate, tailMs } = await catchUp(system, workspace, before)
    applied.spent.push(cpu.each(EVENTS))
    applied.rates.push(rate)
    applied.tails.push(tailMs)
    applied.bytes.push(await bytesOfIds(system))
    process.stderr.write(`round ${round}: ${Math.round(rate)} events/s, check p99 ${tailMs.toFixed(1)} ms\n`)
  }
  return applied
}

function appliedRows({ rates, tails, bytes, spent }: Applied): readonly Row[] {
  const [rate, tail, id] = [median(rates), median(tails), median(bytes)]
  return [
    {
      ...row('apply, sustained over 10⁶ events', `${Math.round(rate)} events/s`),
      cpu: cpuText(spent),
      goal: { text: '≥ 100,000 events/s', isMet: rate >= 100_000 },
    },
    {
      ...row(`check p99 meanwhile, at ${CHECKS_PER_SECOND}/s`, `${tail.toFixed(1)} ms`),
      goal: { text: '≤ 10 ms', isMet: tail <= 10 },
    },
    {
      ...row('dedupe, Redis memory of an id', `${id.toFixed(2)} bytes`),
      goal: { text: '≤ 12 bytes', isMet: id <= 12 },
    },
  ]
}

function recoveredRows(seconds: readonly number[], reading: readonly number[]): readonly Row[] {
  const [slowest, usual, ratio] = [Math.max(...seconds), median(seconds), medianRatio(seconds, reading)]
  const figure = `${usual.toFixed(1)} s`
  return [
    {
      ...row(
        'exact again after FLUSHALL, 10⁶ events, 10⁴ workspaces',
        `${figure}, slowest ${slowest.toFixed(1)} s`,
      ),
      goal: { text: '≤ 30 s', isMet: slowest <= 30 },
    },
    {
      ...row('rebuild after FLUSHALL, 10⁶ events', figure),
      limit: `reading the log once ${median(reading).toFixed(1)} s`,
      ratio,
      goal: { text: '≤ 1.5 × reading, and ≤ 10 s', isMet: ratio <= 1.5 && usual <= 10 },
    },
  ]
}

function row(path: string, figure: string): Row {
  return { path, figure, limit: '–', ratio: null, rounds: ROUNDS }
}

async function fill(system: System): Promise<void> {
  const occurredAt = Date.now()
  for (let from = 0; from < EVENTS; from += AT_ONCE) {
    const writes = Array.from({ length: AT_ONCE }, (_, index) => {
      const id = randomUUID()
      const workspace = nameOf((from + index) % WORKSPACES)
      const value = { id, workspace, occurredAt, source: 'bench', leadId: id, action: 'created' }
      return system.writer.write({ record: 'LeadEvent', value })
    })
    await Promise.all(writes)
  }
}

/** Counts all that waits while a client asks at a steady rate; measured from the first tenth to the last event. */
async function catchUp(
  system: System,
  workspace: string,
  before: number,
): Promise<{ readonly rate: number; readonly tailMs: number }> {
  const samples: { at: number; count: number }[] = []
  const questions = [{ key: system.key, body: { workspace, feature: 'leads' } }]
  const url = `${system.api}/v1/check`
  const asking = await startOpenLoop({ url, questions, perSecond: CHECKS_PER_SECOND })
  const untilAll = eventually(
    async () => {
      const count = (await covered(system)) - before
      samples.push({ at: performance.now(), count })
      return count
    },
    (count) => count >= EVENTS,
    { what: 'all events to be counted', withinMs: 120_000 },
  )
  await Promise.all([system.start('consumers'), untilAll])
  const asked = await asking.stop()
  const failed = asked.filter(({ status }) => status !== 200)
  if (failed.length > 0) throw new Error(`${failed.length} checks were not answered with 200`)
  const [first, last] = [samples.find(({ count }) => count >= EVENTS / 10), samples.at(-1)]
  if (first === undefined || last === undefined || last.at === first.at)
    throw new Error('counted faster than it can be sampled')
  await requireExact(system)
  return { rate: (last.count - first.count) / ((last.at - first.at) / 1_000), tailMs: p99(asked) }
}

/** Memory that the id sets of all shards take, over the ids in them. */
async function bytesOfIds({ redis }: System): Promise<number> {
  let [bytes, ids, cursor] = [0, 0, '0']
  do {
    const [next, names] = await redis.scan(cursor, 'MATCH', 'tg:{s*}:d:*', 'COUNT', 1_000)
    const pipeline = redis.pipeline()
    for (const name of names) pipeline.memory('USAGE', name).scard(name)
    const replies = (await pipeline.exec()) ?? []
    for (const [index, [, value]] of replies.entries()) {
      if (index % 2 === 0) bytes += Number(value)
      else ids += Number(value)
    }
    cursor = next
  } while (cursor !== '0')
  return bytes / ids
}

/** Seconds from FLUSHALL until every shard answers and every counter is what was sent. */
async function recover(system: System): Promise<number> {
  const ranges = await readLog()
  const startedAt = performance.now()
  await system.redis.flushall()
  await eventually(
    () => Promise.all(shards.map(({ meta }) => system.redis.hgetall(meta))),
    (states) =>
      states.every(
        (state) =>
          state['ready'] === '1' &&
          ranges.every(({ partition, high }) => Number(state[`wm:${partition}`] ?? -1) >= high - 1),
      ),
    { what: 'every shard to have counted the whole log', withinMs: 120_000 },
  )
  await requireExact(system)
  return (performance.now() - startedAt) / 1_000
}

async function requireExact({ redis }: System): Promise<void> {
  const pipeline = redis.pipeline()
  for (let index = 0; index < WORKSPACES; index += 1) {
    const name = nameOf(index)
    pipeline.hget(shards[shardOf(name, shards.length)]?.usage(name) ?? '', 'leads')
  }
  const replies = (await pipeline.exec()) ?? []
  const wrong = replies.filter(([, count]) => Number(count) !== EVENTS / WORKSPACES)
  if (wrong.length > 0) throw new Error(`${wrong.length} of ${WORKSPACES} workspaces are not exact`)
}

/** Records that every shard covers, over all partitions. */
async function covered({ redis }: System): Promise<number> {
  const states = await Promise.all(shards.map(({ meta }) => redis.hgetall(meta)))
  const sums = states.map((state) => {
    const watermarks = Object.entries(state).filter(([name]) => name.startsWith('wm:'))
    return watermarks.reduce((sum, [, watermark]) => sum + Number(watermark) + 1, 0)
  })
  return Math.min(...sums)
}

async function sizeOfLog(): Promise<number> {
  return (await readLog()).reduce((sum, { high }) => sum + high, 0)
}

async function readLog(): Promise<readonly LogRange[]> {
  const log = createLogger('bench', 'silent')
  const admin = connectKafka({ brokers: engineAddresses().kafka, clientId: 'bench', log }).admin()
  await admin.connect()
  const ranges = await readRanges(admin, 'usage.events')
  await admin.disconnect()
  return ranges
}

function nameOf(index: number): string {
  return `${prefix}-${index}`
}
