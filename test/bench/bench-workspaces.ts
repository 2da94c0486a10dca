import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'
import type { System } from '#test/helpers/system.ts'
import { CpuTime } from './cpu-time.ts'
import { type Among, ManyWorkspaces, USED } from './many-workspaces.ts'
import { startBeside } from './second-system.ts'
import { FLAT_GOAL, isFlat, median, medianRatio, ROUNDS, type Row } from './statistics.ts'

/** How many there are where there are few; the others are set against these. */
const FEW = 1_000
const ALL_SIZES = [10_000, 100_000, 1_000_000]
const SIZES = ALL_SIZES.filter((size) => size <= Number(process.env['BENCH_WORKSPACES'] ?? 100_000))
const CONNECTIONS = 64
/** Of one figure. */
const [CHECKS, USES, EVENTS] = [15_000, 5_000, 20_000]
const BYTES_MAX = 400
const OPERATIONS = ['check', 'consume', 'apply'] as const

/** Processor time of the system for one operation, µs. */
type Costs = Readonly<Record<(typeof OPERATIONS)[number], number>>

/** One after another: the few, then the same thousand of many, then any of many. */
type Round = Readonly<Record<'few' | Among, Costs>>

/** Bytes of Redis of a workspace at rest, all but dedupe ids; and what of it single keys say that they take. */
interface Bytes {
  readonly all: number
  readonly parts: string
}

interface Size {
  readonly count: number
  readonly rounds: readonly Round[]
  readonly bytes: Bytes
}

/** A system with its workspaces. */
interface Side {
  readonly system: System
  readonly many: ManyWorkspaces
}

/**
 * What one operation costs, and a workspace takes, as workspaces get more. Beside the system whose workspaces get more runs one that
 * has a thousand, on engines of its own, and each round measures both: what compiles later or is slower meanwhile is so for both.
 */
export async function benchWorkspaces(system: System): Promise<readonly Row[]> {
  const beside = await startBeside()
  try {
    const few = { system: beside.system, many: new ManyWorkspaces(beside.system) }
    const more = { system, many: new ManyWorkspaces(system) }
    const bytesOfFew = await grow(few, FEW)
    const sizes: Size[] = []
    for (const count of SIZES) {
      const bytes = await grow(more, count)
      await few.many.holdBackOthers()
      if (sizes.length === 0) await measure(few, more)
      const rounds: Round[] = []
      for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(few, more))
      process.stderr.write(`${count} ${JSON.stringify({ bytes, rounds })}\n`)
      sizes.push({ count, rounds, bytes })
    }
    for (const { many } of [few, more]) await many.giveBack()
    const flat = (['same', 'any'] as const).flatMap((among) =>
      OPERATIONS.map((operation) => flatRow(sizes, operation, among)),
    )
    return [...flat, bytesRow([{ count: FEW, bytes: bytesOfFew }, ...sizes])]
  } finally {
    await beside.stop()
  }
}

/** Has so many workspaces; what each of those that came takes. */
async function grow({ system, many }: Side, count: number): Promise<Bytes> {
  const [before, added] = [await memoryOf(system), count - many.count]
  await many.holdBackOthers()
  await many.growTo(count)
  return { all: ((await memoryOf(system)) - before) / added, parts: await many.partsOf() }
}

async function measure(few: Side, more: Side): Promise<Round> {
  return {
    few: await costsOf(few, 'same'),
    same: await costsOf(more, 'same'),
    any: await costsOf(more, 'any'),
  }
}

/** Once each of the thousand was asked about and used: what is known of them is remembered for a minute. */
async function costsOf({ system, many }: Side, among: Among): Promise<Costs> {
  const cpu = await CpuTime.of(system)
  const spent = async (
    names: readonly string[],
    count: number,
    work: () => Promise<void>,
  ): Promise<number> => {
    cpu.restart()
    await work()
    const us = cpu.together(names, count)
    await many.settle()
    return us
  }
  await check(system, many, { among, amount: 2 * USED })
  await consume(system, many, { among, amount: USED })
  await many.settle()
  const ofApi = ['api', 'redis']
  return {
    check: await spent(ofApi, CHECKS, () => check(system, many, { among, amount: CHECKS })),
    consume: await spent(ofApi, USES, () => consume(system, many, { among, amount: USES })),
    apply: await spent(['consumers', 'redis'], EVENTS, () => many.use(among, EVENTS)),
  }
}

interface Asking {
  readonly among: Among
  readonly amount: number
}

function check(system: System, many: ManyWorkspaces, { among, amount }: Asking): Promise<void> {
  const body = (): object => ({ workspace: many.next(among), feature: 'leads' })
  return load(system, { path: '/v1/check', body, amount })
}

function consume(system: System, many: ManyWorkspaces, { among, amount }: Asking): Promise<void> {
  const items = [{ feature: 'leads', quantity: 1 }]
  const body = (): object => ({ workspace: many.next(among), id: randomUUID(), items })
  return load(system, { path: '/v1/consume', body, amount })
}

interface Load {
  readonly path: string
  readonly body: () => object
  readonly amount: number
}

/** Asks so often, at full speed. */
async function load({ api, key }: System, { path, body, amount }: Load): Promise<void> {
  const result = await autocannon({
    url: `${api}${path}`,
    method: 'POST',
    connections: CONNECTIONS,
    amount,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: JSON.stringify(body()) }) }],
  })
  if (result['2xx'] !== amount) throw new Error(`${result['2xx']} of ${amount} answers of ${path} were 200`)
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
  const figures = (size: Size, side: keyof Round) => size.rounds.map((round) => round[side][operation])
  const last = sizes.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  const [few, many] = [figures(last, 'few'), figures(last, among)]
  const ratio = medianRatio(many, few)
  const used = among === 'same' ? `the same ${USED} used` : 'any used'
  const points = sizes.map((size): [number, number] => [size.count, median(figures(size, among))])
  return {
    path: `${operation} with ${last.count.toLocaleString('en')} workspaces, ${used}`,
    figure: `${median(many).toFixed(1)} µs of cpu`,
    limit: `with ${FEW.toLocaleString('en')} ${median(few).toFixed(1)} µs`,
    ratio,
    rounds: ROUNDS,
    goal: { text: FLAT_GOAL, isMet: isFlat(ratio) },
    curve: { picture: `workspaces-${among}`, name: operation, points: [[FEW, median(few)], ...points] },
  }
}

function bytesRow(sizes: readonly Omit<Size, 'rounds'>[]): Row {
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
