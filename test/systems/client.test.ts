import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
import Fastify, { type FastifyRequest } from 'fastify'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { TallygateClient } from '#client/client.ts'
import { gate as connectGate } from '#client/express.ts'
import { gate, gates } from '#client/fastify.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { subscribedWorkspace } from '#test/helpers/workspace.ts'

let system: System
let client: TallygateClient
beforeAll(async () => {
  system = await startSystem()
  client = new TallygateClient({ url: system.api, key: system.key })
})
afterAll(() => system.stop())

const credits = (quantity: number) => ({ feature: 'ai_credits', quantity })

describe('asking and using', () => {
  test('check, checks and entitlements answer what the service says', async () => {
    const workspace = await subscribedWorkspace(system)
    const decision = await eventually(
      () => client.check({ workspace, ...credits(750), explain: true }),
      ({ exact }) => exact,
      { what: 'the counters to be level with the log' },
    )
    expect(decision).toMatchObject({ allowed: true, remaining: 750, cachedForMs: 0 })
    expect(decision.trace?.at(-1)?.step).toBe('verdict')
    expect(await client.check({ workspace, ...credits(751) })).toMatchObject({
      allowed: false,
      reason: 'limit_reached',
      unblock: [{ action: 'add_seats' }, { action: 'add_on' }, { action: 'upgrade' }],
    })
    const both = await client.checks({ workspace, items: [credits(400), credits(400)] })
    expect(both).toMatchObject({ allowed: false, decisions: [{ allowed: true }, { allowed: false }] })
    const { plan, entitlements } = await client.entitlements(workspace)
    expect(plan).toBe('base')
    expect(entitlements.find(({ feature }) => feature === 'ai_credits')).toMatchObject({
      limit: 750,
      used: 0,
    })
    await expect(client.entitlements('nobody')).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  test('consume counts once however often the same id asks, and denies what does not fit', async () => {
    const workspace = await subscribedWorkspace(system)
    const request = { workspace, id: 'op', items: [credits(700)] }
    const first = await client.consume(request)
    expect(first).toMatchObject({ allowed: true, granted: [700], replayed: false, known: true })
    expect(await client.consume(request)).toEqual({ ...first, replayed: true })
    const [after] = first.eventIds
    expect(await client.check({ workspace, ...credits(50), after })).toMatchObject({
      used: 700,
      allowed: true,
    })
    expect(await client.consume({ workspace, items: [credits(51)] })).toMatchObject({
      allowed: false,
      granted: [0],
      decisions: [{ reason: 'limit_reached' }],
    })
    const other = client.consume({ ...request, items: [credits(1)] })
    await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict', operation: 'op' })
  })

  test('the API killed under use and started again: every call is answered, and each counts once', async () => {
    const workspace = await subscribedWorkspace(system, { seats: 2 })
    const patient = new TallygateClient({ url: system.api, key: system.key, patienceMs: 30_000 })
    let answered = 0
    const uses = Array.from({ length: 200 }, async (_, index) => {
      if (index >= 100)
        await eventually(
          async () => answered,
          (count) => count >= 20,
          { what: 'the API to be in the middle' },
        )
      const made = await patient.consume({ workspace, items: [credits(1)] })
      answered += 1
      return made
    })
    await eventually(
      async () => answered,
      (count) => count >= 20,
      { what: 'some uses to be answered' },
    )
    await system.kill('api')
    const back = system.start('api')
    const made = await Promise.all(uses)
    await back
    expect(made.every(({ allowed, known }) => allowed && known)).toBe(true)
    const counted = await eventually(
      () => client.check({ workspace, ...credits(1) }),
      ({ used, held }) => used + held === 200 && held === 0,
      { what: '200 uses to be counted' },
    )
    expect(counted.used).toBe(200)
  })
})

test('cache: the next check is answered without a call, says its age, and own use is seen at once', async () => {
  const workspace = await subscribedWorkspace(system)
  const cached = new TallygateClient({ url: system.api, key: system.key, cacheMs: 10_000 })
  const asked = await cached.check({ workspace, ...credits(1) })
  const again = await cached.check({ workspace, ...credits(750) })
  expect(again).toMatchObject({ allowed: true, quantity: 750, used: 0, asOf: asked.asOf })
  expect(again.cachedForMs).toBeGreaterThan(0)
  const { eventIds } = await cached.consume({ workspace, items: [credits(700)] })
  expect(cached.checkCached({ workspace, ...credits(1) })).toBeNull()
  expect((await cached.check({ workspace, ...credits(51) })).allowed).toBe(false)
  expect(eventIds).toHaveLength(1)
})

interface Visited {
  readonly status: number
  readonly type: string | null
  readonly body: Readonly<Record<string, unknown>>
}

async function visit(url: string, workspace: string | null): Promise<Visited> {
  const response = await fetch(url, { headers: workspace === null ? {} : { 'x-workspace': workspace } })
  const { status, headers } = response
  return { status, type: headers.get('content-type'), body: Object(await response.json()) }
}

describe('gates', () => {
  const workspaceOf = ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined =>
    headers['x-workspace']?.toString()

  test('Fastify: plugin and hook let through what is allowed and answer 403 with the ways out', async () => {
    const workspace = await subscribedWorkspace(system)
    const app = Fastify()
    onTestFinished(() => app.close())
    app.get('/early', { config: { tallygate: { feature: 'ai_credits', quantity: 751 } } }, async () => ({}))
    void app.register(gates(client, { workspace: workspaceOf }))
    app.get('/open', async () => ({ ran: true }))
    app.get('/credits', { config: { tallygate: 'ai_credits' } }, async () => ({ ran: true }))
    const rule = { feature: 'ai_credits', quantity: () => 751, workspace: workspaceOf }
    app.get('/many', { preHandler: gate(client, rule) }, async () => ({ ran: true }))
    app.get('/typo', { config: { tallygate: { features: 'leads' } } }, async () => ({ ran: true }))
    app.get('/nothing', { config: { tallygate: 'no_such_feature' } }, async () => ({ ran: true }))
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    expect(await visit(`${url}/open`, null)).toMatchObject({ status: 200 })
    expect(await visit(`${url}/credits`, workspace)).toMatchObject({ status: 200, body: { ran: true } })
    for (const path of ['/many', '/early']) {
      const denied = await visit(`${url}${path}`, workspace)
      expect(denied, path).toMatchObject({
        status: 403,
        body: { code: 'limit_reached', feature: 'ai_credits', remaining: 750, limit: 750 },
      })
      expect(denied.type).toMatch(/^application\/problem\+json/)
      expect(denied.body['unblock']).toHaveLength(3)
    }
    for (const path of ['/typo', '/nothing'])
      expect((await visit(`${url}${path}`, workspace)).status).toBe(500)
    expect((await visit(`${url}/credits`, null)).status).toBe(500)
  })

  test('Connect and Express: the middleware answers, calls next, or hands it an error with a status', async () => {
    const workspace = await subscribedWorkspace(system)
    const away = new TallygateClient({ url: 'http://127.0.0.1:1', key: system.key, patienceMs: 50 })
    const rule = { feature: 'ai_credits', workspace: workspaceOf }
    const routes = new Map([
      ['/credits', connectGate(client, rule)],
      ['/many', connectGate(client, { ...rule, quantity: 751 })],
      ['/away', connectGate(away, rule)],
    ])
    const server = createServer((request, response) => {
      routes.get(request.url ?? '')?.(request, response, (error) => {
        response.statusCode = error === undefined ? 200 : Number(Reflect.get(Object(error), 'status'))
        response.end('{}')
      })
    })
    onTestFinished(async () => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = Object(server.address())
    const statuses = ['/credits', '/many', '/away'].map(async (path) => {
      return (await visit(`http://127.0.0.1:${port}${path}`, workspace)).status
    })
    expect(await Promise.all(statuses)).toEqual([200, 403, 503])
  })

  test('Express 5: a gated route runs, or answers 403, or leaves the error to the handler of the app', async () => {
    const workspace = await subscribedWorkspace(system)
    const away = new TallygateClient({ url: 'http://127.0.0.1:1', key: system.key, patienceMs: 50 })
    const rule = { feature: 'ai_credits', workspace: workspaceOf }
    const run: express.RequestHandler = (_request, response) => void response.json({ ran: true })
    const failed: express.ErrorRequestHandler = (error, _request, response, _next) => {
      response.status(Number(error.status)).json({ handled: error.name })
    }
    const app = express()
    app.post('/credits', connectGate(client, rule), run)
    app.post('/many', connectGate(client, { ...rule, quantity: () => 751 }), run)
    app.post('/away', connectGate(away, rule), run)
    app.use(failed)
    const server = app.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = Object(server.address())
    const post = async (path: string) => {
      const headers = { 'x-workspace': workspace }
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers })
      return { status: response.status, body: await response.json() }
    }
    expect(await post('/credits')).toEqual({ status: 200, body: { ran: true } })
    expect(await post('/many')).toMatchObject({ status: 403, body: { code: 'limit_reached', limit: 750 } })
    expect(await post('/away')).toEqual({ status: 503, body: { handled: 'GateError' } })
  })
})
