import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Scope, scopes } from '#core/api-key.ts'
import { median } from '#test/bench/statistics.ts'
import { ask, bodies, prepare, routeNamed, routes } from '#test/helpers/contract-routes.ts'
import type { System } from '#test/helpers/system.ts'
import { twoWorkspaces } from '#test/helpers/two-workspaces.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'

/**
 * The scopes that pass, each alone, written by hand and not from the code: what the contract with others says (api.md), and
 * beside it `usage:read` for entitlements (ADR 0028).
 */
const scopeOf: Readonly<Record<string, Scope | readonly Scope[]>> = {
  'POST /v1/check': 'check',
  'POST /v1/checks': 'check',
  'POST /v1/consume': 'consume',
  'POST /v1/reservations': 'consume',
  'POST /v1/reservations/{id}/commit': 'consume',
  'POST /v1/reservations/{id}/release': 'consume',
  'POST /v1/events': 'events:write',
  'GET /v1/workspaces/{ws}/entitlements': ['check', 'usage:read'],
  'GET /v1/workspaces/{ws}/usage': 'usage:read',
  'GET /v1/workspaces/{ws}/subscription': 'usage:read',
  'GET /v1/workspaces/{ws}/orders': 'usage:read',
  'GET /v1/workspaces/{ws}/notices': 'usage:read',
  'GET /v1/workspaces/{ws}/overrides': 'usage:read',
  'GET /v1/workspaces/{ws}/decisions': 'usage:read',
  'GET /v1/usage': 'usage:read',
  'GET /v1/dead-letters': 'usage:read',
  'GET /v1/dead-letters/{id}': 'admin',
  'GET /v1/catalogue': 'usage:read',
  'GET /v1/catalogue/revisions': 'usage:read',
  'PUT /v1/catalogue': 'admin',
  'POST /v1/what-if': 'usage:read',
  'PUT /v1/workspaces/{ws}/overrides/{feature}': 'admin',
  'DELETE /v1/workspaces/{ws}/overrides/{feature}': 'admin',
  'POST /v1/quote': 'usage:read',
  'GET /v1/workspaces/{ws}/audit': 'admin',
  'GET /v1/system': 'usage:read',
}

/** Routes that name no workspace, and those of them that are for keys of all workspaces alone. */
const UNBOUND = [
  'GET /v1/catalogue',
  'GET /v1/catalogue/revisions',
  'PUT /v1/catalogue',
  'POST /v1/events',
  'GET /v1/usage',
  'GET /v1/dead-letters',
  'GET /v1/dead-letters/{id}',
  'GET /v1/system',
]
const FOR_ALL = ['PUT /v1/catalogue', 'GET /v1/system']

/** Pairs of refusals that are timed, more where the machine disturbs them. */
const PAIRS = 300
/** How far the medians of both may lie apart, ms: three times what other work makes of it; to ask MongoDB once makes it some four. */
const DIFFERENCE_MAX_MS = 0.25

const boundRoutes = routes.filter(({ name }) => !UNBOUND.includes(name))

let system: System
let own: TestWorkspace
let foreign: TestWorkspace
/** Every scope, for one workspace alone. */
let key: string
beforeAll(async () => {
  ;({ system, own, foreign, key } = await twoWorkspaces())
}, 120_000)
afterAll(() => system.stop())

test('G21: every route stands in the matrix, with the scope that the contract says', () => {
  const withBody = boundRoutes.filter(({ method }) => method !== 'GET').map(({ name }) => name)
  expect(withBody.filter((name) => bodies[name] === undefined)).toEqual([])
  expect(routes.map(({ name }) => name).toSorted()).toEqual(Object.keys(scopeOf).toSorted())
})

test.for(boundRoutes)(
  'G21: $name: own is served, foreign and absent look alike, malformed is refused',
  async (route) => {
    const id = await prepare(system, route, own.id)
    expect(await ask(system, route, { workspace: own.id, token: key, id })).toMatchObject({ status: 200 })
    const others = await ask(system, route, { workspace: foreign.id, token: key })
    expect(others.status).toBe(404)
    expect(others).toEqual(await ask(system, route, { workspace: 'w-nobody', token: key }))
    expect((await ask(system, route, { workspace: 'a b{c}', token: key })).status).toBe(400)
  },
)

test.for(routes)('G21: $name: without a key 401, with every scope but its own 403', async (route) => {
  const { id: workspace } = own
  expect((await ask(system, route, { workspace, token: null })).status).toBe(401)
  const unknown = `tg_live_AAAAAAAA_${'A'.repeat(43)}`
  expect((await ask(system, route, { workspace, token: unknown })).status).toBe(401)
  const passed: Scope[] = []
  for (const scope of scopes) {
    const workspaces = FOR_ALL.includes(route.name) ? '*' : [workspace]
    const token = await system.createKey({ scopes: [scope], workspaces })
    const { status } = await ask(system, route, {
      workspace,
      token,
      id: await prepare(system, route, workspace),
    })
    if (status !== 403) passed.push(scope)
    expect(status, scope).not.toBe(401)
  }
  expect(passed).toEqual([scopeOf[route.name]].flat())
})

test('G21: a key that may read gets explanations, and no verdict without one', async () => {
  const route = routeNamed('POST /v1/check')
  const answerTo = async (scope: Scope, explain: boolean): Promise<number> => {
    const token = await system.createKey({ scopes: [scope], workspaces: [own.id] })
    const body = { workspace: own.id, feature: 'leads', explain }
    return (await ask(system, route, { workspace: own.id, token, body })).status
  }
  expect(await answerTo('usage:read', true)).toBe(200)
  expect(await answerTo('usage:read', false)).toBe(403)
  expect(await answerTo('consume', true)).toBe(403)
})

test.for(FOR_ALL)('G21: %s: 403 for a key that is bound to workspaces, whatever its scopes', async (name) => {
  const route = routeNamed(name)
  const headers = { 'if-match': '"1"' }
  const { status, body } = await ask(system, route, {
    workspace: own.id,
    token: key,
    headers,
    query: '?dryRun=true',
  })
  expect(status).toBe(403)
  expect(JSON.parse(body).code).toBe('forbidden')
})

test('G21: a foreign and an absent workspace are refused alike, and no look-up makes the one slower than the other', async () => {
  const route = { name: 'GET', method: 'GET', path: '/v1/workspaces/{ws}/subscription' }
  const times = { foreign: [] as number[], absent: [] as number[] }
  const askTimed = async (name: keyof typeof times): Promise<void> => {
    const workspace = name === 'foreign' ? foreign.id : 'w-nobody'
    const startedAt = performance.now()
    expect((await ask(system, route, { workspace, token: key })).status).toBe(404)
    times[name].push(performance.now() - startedAt)
  }
  const differenceMs = (): number => Math.abs(median(times.foreign) - median(times.absent))
  // Other work on the machine disturbs some medians; a look-up is in all of them, however many are asked.
  while (
    times.absent.length < PAIRS ||
    (differenceMs() >= DIFFERENCE_MAX_MS && times.absent.length < 5 * PAIRS)
  ) {
    const isFirst = times.absent.length % 2 === 0
    for (const name of isFirst ? (['foreign', 'absent'] as const) : (['absent', 'foreign'] as const))
      await askTimed(name)
  }
  const shown = `${(differenceMs() * 1_000).toFixed(0)} µs over ${times.absent.length} pairs`
  console.log(
    `G21: medians of foreign and absent differ by ${shown}, of ${median(times.absent).toFixed(2)} ms`,
  )
  expect(differenceMs(), 'medians differ, ms').toBeLessThan(DIFFERENCE_MAX_MS)
})
