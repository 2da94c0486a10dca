import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UseClient } from '#test/chaos/use-client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const RESTARTS = Number(process.env['STOP_RESTARTS'] ?? 4)
const CLIENTS = 8
const EXIT_WITHIN_MS = 10_000
const settings = { DRAIN_MS: '500' }

let system: System
let other: System
beforeAll(async () => {
  system = await startSystem(['api', 'consumers'], settings)
  other = await startSystem(['api'], settings)
})
afterAll(() => Promise.all([system.stop(), other.stop()]))

/** What clients saw that ask again elsewhere when nobody answers. */
interface Seen {
  /** How often each status other than 200 was seen, with its detail. */
  readonly refused: Map<string, number>
  readonly acknowledged: Set<string>
  silences: number
}

/** Consumes one operation after another through both APIs until it is over. */
async function consumeOn(
  seen: Seen,
  { workspace, name, isOver }: { workspace: string; name: string; isOver: () => boolean },
): Promise<void> {
  const client = new UseClient({ apis: [system.api, other.api], key: system.key, workspace })
  for (let operation = 0; !isOver(); operation += 1) {
    const id = `${name}-${operation}`
    const body = { id, items: [{ feature: 'leads', quantity: 1 }] }
    let answer = await client.once('/v1/consume', body)
    for (; answer === null; answer = await client.once('/v1/consume', body)) {
      seen.silences += 1
      await pause(5)
    }
    if (answer.status === 200) seen.acknowledged.add(id)
    else {
      const what = `${answer.status} ${String(answer.body['detail']).replace(id, '')}`
      seen.refused.set(what, (seen.refused.get(what) ?? 0) + 1)
    }
  }
}

test(`G25: ${RESTARTS} restarts in turn under load: no 5xx, nothing lost, nothing counted twice, gone within 10 s`, {
  timeout: 60_000 + RESTARTS * 5_000,
}, async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'pro', seats: 50 })
  const seen: Seen = { refused: new Map(), acknowledged: new Set(), silences: 0 }
  let isOver = false
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    consumeOn(seen, { workspace: workspace.id, name: `c${index}`, isOver: () => isOver }),
  )
  let slowest = 0
  for (let restart = 0; restart < RESTARTS; restart += 1) {
    const stopped = restart % 2 === 0 ? other : system
    const before = seen.acknowledged.size
    await eventually(
      async () => seen.acknowledged.size,
      (count) => count > before + 50,
      { what: 'load' },
    )
    const startedAt = performance.now()
    stopped.signal('api', 'SIGTERM')
    const { code, log } = await stopped.ended('api')
    slowest = Math.max(slowest, performance.now() - startedAt)
    expect(code, log).toBe(0)
    await stopped.start('api')
  }
  isOver = true
  await Promise.all(clients)
  const { size } = seen.acknowledged
  process.stdout.write(
    `G25: ${RESTARTS} restarts, ${size} operations, refused ${JSON.stringify([...seen.refused])}, asked again after silence ${seen.silences}, slowest exit ${slowest.toFixed(0)} ms\n`,
  )
  expect([...seen.refused]).toEqual([])
  expect(slowest).toBeLessThan(EXIT_WITHIN_MS)
  await eventually(
    () => workspace.check({ feature: 'leads' }).then(Object),
    ({ used, held }) => used === size && held === 0,
    { what: `${size} leads to be counted, each once` },
  )
})

test('G25: told to stop, it is unready first, answers on with connection: close, ends what is under way, then exits 0', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const ask = (path: string): Promise<Response> => fetch(`${other.api}${path}`)
  const waiting = fetch(`${other.api}/v1/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ workspace: workspace.id, feature: 'leads', after: 'c~never~0' }),
  })
  expect((await ask('/readyz')).status).toBe(200)
  const startedAt = performance.now()
  other.signal('api', 'SIGTERM')
  const unready = await eventually(
    () => ask('/readyz'),
    ({ status }) => status === 503,
    { what: 'unready', withinMs: 450 },
  )
  expect(unready.headers.get('connection')).toBe('close')
  const alive = await ask('/healthz')
  expect([alive.status, alive.headers.get('connection')]).toEqual([200, 'close'])
  const detail = await fetch(`http://127.0.0.1:${other.env['ADMIN_PORT']}/readyz`)
  expect(await detail.json()).toMatchObject({ parts: { process: 'stopping' } })
  expect(await (await waiting).json()).toMatchObject({ code: 'unavailable' })
  const { code } = await other.ended('api')
  expect(code).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(EXIT_WITHIN_MS)
  await other.start('api')
})

test('G25: consumers told to stop leave the group, so that what they had is counted on at once, and exit 0', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const successor = await startSystem(['consumers'])
  const startedAt = performance.now()
  system.signal('consumers', 'SIGTERM')
  const { code, log } = await system.ended('consumers')
  const exitMs = performance.now() - startedAt
  expect(code, log).toBe(0)
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 3 })
  await workspace.counted()
  const countedMs = performance.now() - startedAt - exitMs
  process.stdout.write(
    `G25: consumers gone after ${exitMs.toFixed(0)} ms, the next event counted ${countedMs.toFixed(0)} ms later\n`,
  )
  expect((await workspace.check({ feature: 'leads' })).used).toBe(3)
  expect(exitMs).toBeLessThan(EXIT_WITHIN_MS)
  await system.start('consumers')
  await successor.stop()
})
