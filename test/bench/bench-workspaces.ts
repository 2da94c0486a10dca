import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { keysOf, subscribeMany } from '#test/helpers/bulk-subscriber.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { CpuTime } from './cpu-time.ts'
import type { Row } from './statistics.ts'

const ALL_SIZES = [1_000, 10_000, 100_000, 1_000_000]
const SIZES = ALL_SIZES.filter((size) => size <= Number(process.env['BENCH_WORKSPACES'] ?? 100_000))
/** How many are used, however many there are. */
const USED = 1_000
const AT_ONCE = 2_000
const EVENTS = 40_000
const SECONDS = 3
/** So long nobody judges and nobody keeps: what is measured is the paths, and one size like the other. */
const LEASE_MS = 600_000
const FLAT_MAX = 1.1
const BYTES_MAX = 400
const shards = allShardKeys(SHARDS_DEFAULT)

/** Which workspaces are used: the same thousand, or any of them. */
type Among = 'same' | 'any'

/** Processor time of the system for one operation, µs. */
interface Costs {
  readonly check: number
  readonly consume: number
  readonly apply: number
}

interface Size {
  readonly count: number
  readonly costs: Readonly<Record<Among, Costs>>
  readonly bytes: Bytes
}

/** Bytes of Redis of a workspace at rest, all but dedupe ids; and what of it single keys say that they take. */
interface Bytes {
  readonly all: number
  readonly parts: string
}

/** What one operation costs, and a workspace takes, as workspaces get more. */
export async function benchWorkspaces(system: System): Promise<readonly Row[]> {
  const many = new ManyWorkspaces(system)
  const sizes: Size[] = []
  await many.holdBackOthers()
  let before = await memoryOf(system)
  for (const count of SIZES) {
    const added = count - many.count
    await many.growTo(count)
    const after = await memoryOf(system)
    const bytes = { all: (after - before) / added, parts: await many.partsOf() }
    const costs = { same: await costsOf(system, many, 'same'), any: await costsOf(system, many, 'any') }
    process.stderr.write(`${count} ${JSON.stringify({ bytes, costs })}\n`)
    sizes.push({ count, costs, bytes })
    before = await memoryOf(system)
  }
  const operations = ['check', 'consume', 'apply'] as const
  const flat = (['same', 'any'] as const).flatMap((among) =>
    operations.map((operation) => flatRow(sizes, operation, among)),
  )
  await many.giveBack()
  return [...flat, bytesRow(sizes)]
}

async function costsOf(system: System, many: ManyWorkspaces, among: Among): Promise<Costs> {
  const cpu = await CpuTime.of(system)
  await check(system, many, { among, amount: 4 * USED })
  await consume(system, many, { among, amount: 2 * USED })
  await many.settle()
  cpu.restart()
  const checks = await check(system, many, { among, seconds: SECONDS })
  const ofCheck = cpu.together(['api', 'redis'], checks)
  cpu.restart()
  const uses = await consume(system, many, { among, seconds: SECONDS })
  const ofConsume = cpu.together(['api', 'redis'], uses)
  await many.settle()
  cpu.restart()
  await many.use(among, EVENTS)
  const ofApply = cpu.together(['consumers', 'redis'], EVENTS)
  await many.settle()
  return { check: ofCheck, consume: ofConsume, apply: ofApply }
}

interface Asking {
  readonly among: Among
  /** For so long, or so often. */
  readonly seconds?: number
  readonly amount?: number
}

function check(system: System, many: ManyWorkspaces, { among, ...howMuch }: Asking): Promise<number> {
  const bodyOf = (turn: number): object => ({ workspace: many.pick(among, turn), feature: 'leads' })
  return load(system, { path: '/v1/check', bodyOf, ...howMuch })
}

function consume(system: System, many: ManyWorkspaces, { among, ...howMuch }: Asking): Promise<number> {
  const prefix = randomUUID().slice(0, 8)
  const items = [{ feature: 'leads', quantity: 1 }]
  const bodyOf = (turn: number): object => ({
    workspace: many.pick(among, turn),
    id: `${prefix}-${turn}`,
    items,
  })
  return load(system, { path: '/v1/consume', bodyOf, ...howMuch })
}

interface Load extends Omit<Asking, 'among'> {
  readonly path: string
  readonly bodyOf: (turn: number) => object
}

/** Asks at full speed; how many were answered. */
async function load({ api, key }: System, { path, bodyOf, seconds, amount }: Load): Promise<number> {
  let turn = 0
  const result = await autocannon({
    url: `${api}${path}`,
    method: 'POST',
    connections: 64,
    ...(amount === undefined ? { duration: seconds ?? 1 } : { amount }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: JSON.stringify(bodyOf(turn++)) }) }],
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers of ${path} were not 200`)
  return result.requests.total
}

/** Bytes that Redis uses, without those of dedupe ids, which grow with events. */
async function memoryOf({ redis }: System): Promise<number> {
  let [ids, cursor] = [0, '0']
  do {
    const [next, names] = await redis.scan(cursor, 'MATCH', 'tg:{s*}:[da]:*', 'COUNT', 5_000)
    const pipeline = redis.pipeline()
    for (const name of names) pipeline.memory('USAGE', name)
    ids += ((await pipeline.exec()) ?? []).reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    cursor = next
  } while (cursor !== '0')
  const info = 'info' in redis ? await redis.info('memory') : ''
  return Number(/used_memory:(\d+)/.exec(info)?.[1]) - ids
}

function flatRow(sizes: readonly Size[], operation: keyof Costs, among: Among): Row {
  const points = sizes.map(({ count, costs }): [number, number] => [count, costs[among][operation]])
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) throw new Error('nothing was measured')
  const ratio = last[1] / first[1]
  const used = among === 'same' ? `the same ${USED} used` : 'any used'
  return {
    path: `${operation} with ${last[0].toLocaleString('en')} workspaces, ${used}`,
    figure: `${last[1].toFixed(1)} µs of cpu`,
    limit: `with ${first[0].toLocaleString('en')} ${first[1].toFixed(1)} µs`,
    ratio,
    rounds: 1,
    goal: { text: 'within 10 %', isMet: ratio <= FLAT_MAX },
    curve: { picture: `workspaces-${among}`, name: operation, points },
  }
}

function bytesRow(sizes: readonly Size[]): Row {
  const points = sizes.map(({ count, bytes }): [number, number] => [count, bytes.all])
  const last = sizes.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  return {
    path: 'Redis memory of a workspace at rest',
    figure: `${last.bytes.all.toFixed(0)} bytes`,
    limit: last.bytes.parts,
    ratio: null,
    rounds: 1,
    goal: { text: `≤ ${BYTES_MAX} bytes`, isMet: last.bytes.all <= BYTES_MAX },
    curve: { picture: 'bytes', name: 'bytes', points },
  }
}

/** Workspaces of a benchmark, each subscribed and used. */
class ManyWorkspaces {
  readonly #system: System
  readonly #prefix = `many-${randomUUID().slice(0, 6)}`
  #count = 0
  #events = 0

  constructor(system: System) {
    this.#system = system
  }

  get count(): number {
    return this.#count
  }

  /** One of them, the next of the thousand or any. */
  pick(among: Among, turn: number): string {
    const spread = (Math.imul(turn + 1, 2_654_435_761) >>> 0) % this.#count
    return this.#name(among === 'same' ? ((turn % USED) * this.#count) / USED : spread)
  }

  /** Has so many of them, each with leads and credits used once. */
  async growTo(count: number): Promise<void> {
    for (let from = this.#count; from < count; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - from)
      const names = Array.from({ length }, (_, index) => this.#name(from + index))
      await subscribeMany(this.#system, names, { nextAt: null })
      const lead = { leadId: 'l', action: 'created' }
      const call = { function: 'summary', credits: 1 }
      await Promise.all(names.map((workspace) => this.#write('LeadEvent', workspace, lead)))
      await Promise.all(names.map((workspace) => this.#write('AiCallEvent', workspace, call)))
    }
    this.#count = count
    await this.settle()
  }

  /** Uses leads of them so often, and waits until all is counted. */
  async use(among: Among, events: number): Promise<void> {
    const lead = { leadId: 'l', action: 'created' }
    for (let from = 0; from < events; from += AT_ONCE) {
      const names = Array.from({ length: AT_ONCE }, (_, index) => this.pick(among, from + index))
      await Promise.all(names.map((workspace) => this.#write('LeadEvent', workspace, lead)))
    }
    await this.#counted()
  }

  /** Waits until all is counted, and leaves it as it is once everything was judged and kept: nothing waits. */
  async settle(): Promise<void> {
    await this.#counted()
    const { redis } = this.#system
    await redis.del(shards.flatMap(({ dirty, judge }) => [dirty, judge]))
  }

  /** Takes the leases of what goes on beside the paths. */
  async holdBackOthers(): Promise<void> {
    for (const keys of shards)
      for (const what of ['judge', 'snapshot'])
        await this.#system.redis.set(keys.lease(what), 'bench', 'PX', LEASE_MS)
  }

  /** Gives them back. */
  async giveBack(): Promise<void> {
    await this.#system.redis.del(shards.flatMap((keys) => [keys.lease('judge'), keys.lease('snapshot')]))
  }

  /** What single keys of a workspace take, on average over some. */
  async partsOf(): Promise<string> {
    const { redis } = this.#system
    const [facts, counters] = [redis.pipeline(), redis.pipeline()]
    for (let turn = 0; turn < USED; turn += 1) {
      const workspace = this.pick('same', turn)
      facts.memory('USAGE', keysOf(workspace).facts(workspace))
      counters.memory('USAGE', keysOf(workspace).usage(workspace))
    }
    const agenda = redis.pipeline()
    for (const keys of shards) agenda.memory('USAGE', keys.agenda, 'SAMPLES', 0)
    const sum = async (pipeline: typeof facts): Promise<number> =>
      ((await pipeline.exec()) ?? []).reduce((total, [, bytes]) => total + Number(bytes), 0)
    const parts = [await sum(facts), await sum(counters)].map((bytes) => (bytes / USED).toFixed(0))
    return `facts ${parts[0]}, counters ${parts[1]}, agenda ${((await sum(agenda)) / this.#count).toFixed(0)}`
  }

  /** Until a last event of each partition's own was counted: they are counted in the order of the log. */
  async #counted(): Promise<void> {
    const probe = `probe-${randomUUID()}`
    const names = Array.from({ length: 64 }, (_, index) => `${probe}-${index}`)
    await Promise.all(names.map((name) => this.#write('LeadEvent', name, { leadId: 'l', action: 'created' })))
    const { redis } = this.#system
    await eventually(
      () => Promise.all(names.map((name) => redis.hget(keysOf(name).usage(name), 'leads'))),
      (counts) => counts.every((count) => count === '1'),
      { what: 'all events to be counted', withinMs: 180_000 },
    )
    await redis.del(names.map((name) => keysOf(name).usage(name)))
  }

  async #write(record: 'LeadEvent' | 'AiCallEvent', workspace: string, fields: object): Promise<void> {
    const id = `e${this.#events++}`
    const value = Object({ id, workspace, occurredAt: Date.now(), source: 'bench', ...fields })
    await this.#system.writer.write({ record, value })
  }

  #name(index: number): string {
    return `${this.#prefix}-${index}`
  }
}
