import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractText } from '#api/contract.ts'
import { type Scope, scopes } from '#core/api-key.ts'
import { median } from '#test/bench/statistics.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Routes that are open to all. */
const OPEN = ['/healthz', '/readyz', '/openapi.json', '/metrics', '/']
/** What a route needs beside the workspace; a route with a body that stands not here fails the test. */
const bodies: Readonly<Record<string, object>> = {
  'POST /v1/check': { feature: 'leads' },
  'POST /v1/checks': { items: [{ feature: 'leads' }] },
  'POST /v1/quote': {},
  'POST /v1/what-if': { seats: 5 },
  'POST /v1/consume': { id: 'g21', items: [{ feature: 'leads' }] },
  'POST /v1/reservations': { id: 'g21', items: [{ feature: 'leads' }], ttlMs: 1_000 },
  'POST /v1/reservations/{id}/commit': {},
  'POST /v1/reservations/{id}/release': {},
  'PUT /v1/workspaces/{ws}/overrides/{feature}': { limit: 5, reason: 'r' },
  'DELETE /v1/workspaces/{ws}/overrides/{feature}': { reason: 'r' },
}
/** Routes that name no workspace: nothing of a tenant can be reached by them beyond what the key may see. */
const TENANTLESS = [
  'GET /v1/catalogue',
  'GET /v1/catalogue/revisions',
  'PUT /v1/catalogue',
  'POST /v1/events',
  'GET /v1/usage',
  'GET /v1/dead-letters',
  'GET /v1/dead-letters/{id}',
  'GET /v1/system',
]

interface Route {
  readonly name: string
  readonly method: string
  readonly path: string
}

const { paths } = JSON.parse(await contractText()) as {
  paths: Record<string, Record<string, { security?: unknown }>>
}
const routes = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods)
    .filter(() => !OPEN.includes(path))
    .map(
      (method): Route => ({ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path }),
    ),
)
const tenantRoutes = routes.filter(({ name }) => !TENANTLESS.includes(name))

let system: System
let own: TestWorkspace
let foreign: TestWorkspace
/** Every scope, for one workspace alone. */
let key: string
beforeAll(async () => {
  system = await startSystem()
  own = new TestWorkspace(system)
  foreign = new TestWorkspace(system)
  await Promise.all([own.subscribe({}), foreign.subscribe({})])
  key = await system.createKey({ workspaces: [own.id, 'w-allowed-and-absent'] })
}, 120_000)
afterAll(() => system.stop())

interface Answer {
  readonly status: number
  readonly body: string
}

async function ask({ name, method, path }: Route, workspace: string, token: string | null): Promise<Answer> {
  const filled = path
    .replace('{ws}', encodeURIComponent(workspace))
    .replace('{feature}', 'leads')
    .replace('{id}', 'g21')
  const inPath = path.includes('{ws}')
  const needsBody = method !== 'GET'
  const body = { ...bodies[name], ...(inPath ? {} : { workspace }) }
  const url = new URL(filled, system.api)
  if (path.endsWith('/usage')) url.searchParams.set('feature', 'leads')
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(needsBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(needsBody ? { body: JSON.stringify(body) } : {}),
  })
  const text = (await response.text()).replaceAll(workspace, '<workspace>').replace(/"request":"[^"]*"/, '')
  return { status: response.status, body: text }
}

test('G21: every route stands in the matrix', () => {
  const withBody = tenantRoutes.filter(({ method }) => method !== 'GET').map(({ name }) => name)
  expect(withBody.filter((name) => bodies[name] === undefined)).toEqual([])
  expect(routes.length).toBeGreaterThan(15)
})

test.for(tenantRoutes)(
  'G21: $name: own is served, foreign and absent look alike, malformed is refused',
  async (route) => {
    const served = await ask(route, own.id, key)
    expect([200, 404, 409, 422]).toContain(served.status)
    const [others, nobodys] = [await ask(route, foreign.id, key), await ask(route, 'w-nobody', key)]
    expect(others.status).toBe(404)
    expect(others).toEqual(nobodys)
    expect((await ask(route, 'a b{c}', key)).status).toBe(400)
  },
)

test.for(routes)('G21: $name: without a key 401, with every scope but its own 403', async (route) => {
  expect((await ask(route, own.id, null)).status).toBe(401)
  expect((await ask(route, own.id, `tg_live_AAAAAAAA_${'A'.repeat(43)}`)).status).toBe(401)
  const answers = new Map<Scope, number>()
  for (const scope of scopes) {
    const token = await system.createKey({ scopes: [scope], workspaces: [own.id] })
    answers.set(scope, (await ask(route, own.id, token)).status)
  }
  const refused = [...answers].filter(([, status]) => status === 403)
  expect(refused.length, JSON.stringify([...answers])).toBe(scopes.length - 1)
})

test('G21: a foreign and an absent workspace are refused alike 300 times, and how much their times differ', async () => {
  const route = { name: 'GET', method: 'GET', path: '/v1/workspaces/{ws}/subscription' }
  const times = { foreign: [] as number[], absent: [] as number[] }
  for (let round = 0; round < 300; round += 1) {
    for (const [name, id] of [
      ['foreign', foreign.id],
      ['absent', 'w-nobody'],
    ] as const) {
      const startedAt = performance.now()
      expect((await ask(route, id, key)).status).toBe(404)
      times[name].push(performance.now() - startedAt)
    }
  }
  const difference = Math.abs(median(times.foreign) - median(times.absent)) * 1_000
  console.log(`G21: medians differ by ${difference.toFixed(0)} µs over ${times.foreign.length} pairs`)
})
