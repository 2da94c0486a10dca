import { randomUUID } from 'node:crypto'
import autocannon from 'autocannon'
import type { System } from '#test/helpers/system.ts'
import { CpuTime } from './cpu-time.ts'
import { type Among, type Bytes, type Costs, growthRows, type Round, type Size, USED } from './growth-rows.ts'
import { ManyWorkspaces } from './many-workspaces.ts'
import { startBeside } from './second-system.ts'
import { ROUNDS, type Row } from './statistics.ts'

/** How many there are where there are few; the others are set against these. */
const FEW = 1_000
const ALL_SIZES = [10_000, 100_000, 1_000_000]
const SIZES = ALL_SIZES.filter((size) => size <= Number(process.env['BENCH_WORKSPACES'] ?? 100_000))
const CONNECTIONS = 64
/** Of one figure. */
const [CHECKS, USES, EVENTS] = [15_000, 5_000, 20_000]

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
    return growthRows({ count: FEW, bytes: bytesOfFew }, sizes)
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
  const { '2xx': answered, non2xx, errors } = result
  if (answered !== amount)
    throw new Error(`${path}: ${answered} of ${amount} answered, ${non2xx} refused, ${errors} not at all`)
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
