import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkCounters } from '#test/chaos/log-checker.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { grantedOf, type UseAnswer, UseClient } from '#test/chaos/use-client.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const seed = seedOfRun()
const REPLAYED = Number(process.env['G11_REQUESTS'] ?? 1_000)
const faultPoint = new URL('./fault-point.ts', import.meta.url).pathname
const POINTS = [
  'before hold',
  'during hold',
  'after hold',
  'before produce',
  'during produce',
  'after produce',
  'before reply',
  'during reply',
  'during reserve',
  'before commit',
  'during commit',
] as const

/** What the last operations of 200 clients may give back after nobody asks any more, units: a tenth of them release. */
const LEFT_MAX = 400

let system: System
let slow: System
const proxies: TcpProxy[] = []
beforeAll(async () => {
  const addresses = engineAddresses()
  const open = async (ms: number): Promise<string> => {
    const proxy = await TcpProxy.open(Number(new URL(addresses.redis).port))
    proxies.push(proxy)
    proxy.set({ kind: 'delay', ms })
    return `redis://127.0.0.1:${proxy.port}`
  }
  const [near, far] = [await open(2), await open(9)]
  system = await startSystem(['api', 'consumers'], {}, { ...addresses, redis: near })
  slow = await startSystem(['api'], {}, { ...addresses, redis: far })
})
afterAll(async () => {
  for (const proxy of proxies) proxy.set({ kind: 'pass' })
  await Promise.all([system.stop(), slow.stop()])
  await Promise.all(proxies.map((proxy) => proxy.close()))
})

async function workspaceWith(seats: number): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ seats })
  return workspace
}

const client = (workspace: TestWorkspace, apis = [system.api, slow.api], isOver = () => false): UseClient =>
  new UseClient({ apis, key: system.key, workspace: workspace.id, isOver })
const credits = (quantity: number): object => ({ feature: 'ai_credits', quantity })

/** Waits until so much is counted and nothing is held any more. */
async function settled(workspace: TestWorkspace, used: number): Promise<void> {
  const ask = (): Promise<Record<string, unknown>> => workspace.check({ feature: 'ai_credits' }).then(Object)
  await eventually(ask, (seen) => seen['used'] === used && seen['held'] === 0, {
    what: `${used} credits of ${workspace.id} to be counted and none held`,
    withinMs: 20_000,
  })
}

async function identities(workspace: TestWorkspace): Promise<ReadonlySet<string>> {
  const { identities: found, mismatches } = await checkCounters(engineAddresses(), system.redis, workspace.id)
  expect(mismatches, `seed ${seed}`).toEqual([])
  return found
}

test('G7: 200 clients that want three times the limit get exactly the limit, through two APIs with delays', async () => {
  const workspace = await workspaceWith(14)
  const limit = 14 * 750
  const next = seededRandom(seed)
  let granted = 0
  let operations = 0
  const take = async (one: UseClient): Promise<void> => {
    const id = `op${++operations}`
    const body = { id, items: [credits(1 + next(20))] }
    const way = next(10)
    if (way < 6) {
      const units = grantedOf(await one.post('/v1/consume', body))
      granted += units
      return
    }
    const reserved = grantedOf(await one.post('/v1/reservations', { ...body, ttlMs: 60_000 }))
    if (reserved === 0) return
    const path = `/v1/reservations/${id}`
    if (way === 6) await one.post(`${path}/release`, {})
    else if (way === 7) {
      granted += reserved - 1
      expect((await one.post(`${path}/commit`, { quantities: [reserved - 1] }))?.status).toBe(200)
    } else {
      granted += reserved
      expect((await one.post(`${path}/commit`, {}))?.status).toBe(200)
    }
  }
  const clients = Array.from({ length: 200 }, () => client(workspace))
  await Promise.all(
    clients.map(async (one) => {
      for (let asked = 0; asked < 15; asked += 1) await take(one)
      expect(granted, `seed ${seed}`).toBeLessThanOrEqual(limit)
    }),
  )
  const before = granted
  expect(
    before,
    `seed ${seed}: three times the limit was wanted, so none of it was left`,
  ).toBeGreaterThanOrEqual(limit - LEFT_MAX)
  const rest = await client(workspace).post('/v1/consume', {
    id: 'rest',
    items: [credits(limit)],
    partial: true,
  })
  granted += grantedOf(rest)
  expect(granted - limit, `seed ${seed}: ${operations} operations`).toBe(0)
  await settled(workspace, limit)
  await identities(workspace)
}, 90_000)

/** Operations under way at once while an API is killed. */
const WAVE = 10

test.for(POINTS)(
  'G9: an API killed %s: acknowledged is counted, and asked again is counted once',
  { timeout: 60_000 },
  async (point) => {
    const workspace = await workspaceWith(14)
    const settings = {
      FAULT_POINT: point,
      FAULT_NTH: point.endsWith('produce') ? '2' : '15',
      NODE_OPTIONS: `--import ${faultPoint}`,
    }
    const dying = await startSystem(['api'], settings)
    let isDead = false
    const death = dying.ended('api').then(() => {
      isDead = true
    })
    const acknowledged = new Set<string>()
    const isReservation = point.includes('reserve') || point.includes('commit')
    const operate = async (one: UseClient, id: string): Promise<void> => {
      const body = { id, items: [credits(3)] }
      if (isReservation) {
        if ((await one.post('/v1/reservations', body)) === null) return
        if ((await one.post(`/v1/reservations/${id}/commit`, { quantities: [2] }))?.status === 200)
          acknowledged.add(id)
      } else if ((await one.post('/v1/consume', body))?.status === 200) acknowledged.add(id)
    }
    const ids = Array.from({ length: 40 }, (_, index) => `op${index}`)
    // One wave after another: operations of one moment share a request, so that a second one would never come.
    for (let wave = 0; wave < ids.length; wave += WAVE) {
      const asked = ids.slice(wave, wave + WAVE)
      await Promise.all(
        asked.map((id) =>
          operate(
            client(workspace, [dying.api], () => isDead),
            id,
          ),
        ),
      )
    }
    await death
    await dying.stop()
    const { identities: written } = await checkCounters(engineAddresses(), system.redis, workspace.id)
    const missing = [...acknowledged].filter((id) => !written.has(`${workspace.id} tallygate c~${id}~0`))
    expect(missing, `seed ${seed}: acknowledged, and not in the log`).toEqual([])
    expect(acknowledged.size, 'it died in the middle').toBeLessThan(ids.length)
    await Promise.all(ids.map((id) => operate(client(workspace, [system.api]), id)))
    expect(acknowledged.size).toBe(ids.length)
    await settled(workspace, ids.length * (isReservation ? 2 : 3))
    await identities(workspace)
  },
)

/** An answer without what tells the time or that it is a repetition. */
function timeless({ status, body }: UseAnswer): string {
  const { replayed: _, decisions, ...rest } = body
  const plain = (Array.isArray(decisions) ? decisions : []).map(
    ({ asOf, lagMs, exact, ...decision }) => decision,
  )
  return status === 200 ? JSON.stringify([status, rest, plain]) : String(status)
}

test('G11: requests replayed at once, one in twenty with another body: one body is answered, alike each time', async () => {
  const workspace = await workspaceWith(Math.ceil((REPLAYED * 10) / 750))
  const next = seededRandom(seed)
  let counted = 0
  const problems: string[] = []
  const replay = async (index: number): Promise<void> => {
    const quantity = 1 + next(9)
    const isAltered = next(20) === 0
    const bodies = Array.from({ length: 2 + next(4) }, (_, copy) => ({
      id: `op${index}`,
      items: [credits(isAltered && copy === 1 ? quantity + 1 : quantity)],
    }))
    const answers = await Promise.all(bodies.map((body) => client(workspace).post('/v1/consume', body)))
    const byBody = Map.groupBy(bodies.keys(), (copy) => JSON.stringify(bodies[copy]))
    const different = [...byBody.values()].map((copies) => {
      return new Set(copies.map((copy) => timeless(answers[copy] ?? { status: 0, body: {} })))
    })
    const isAlike = different.every((found) => found.size === 1)
    const winners = different.filter((found) => ![...found][0]?.startsWith('409'))
    if (!isAlike || winners.length !== 1)
      problems.push(`op${index}: ${JSON.stringify(different.map((found) => [...found]))}`)
    counted += Math.max(...answers.map(grantedOf))
  }
  for (let index = 0; index < REPLAYED; index += 50)
    await Promise.all(Array.from({ length: 50 }, (_, offset) => replay(index + offset)))
  expect(problems, `seed ${seed}`).toEqual([])
  await settled(workspace, counted)
  expect((await identities(workspace)).size).toBe(REPLAYED)
}, 300_000)
