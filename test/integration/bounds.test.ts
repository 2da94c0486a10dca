import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '#test/helpers/eventually.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const KIB = 1_024

let system: System
let workspace: TestWorkspace
beforeAll(async () => {
  system = await sharedSystem()
  workspace = new TestWorkspace(system)
  await workspace.subscribe({})
})
afterAll(() => system.stop())

interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly key?: string
  readonly body?: string
}

async function call(path: string, { method, headers, key = system.key, body }: Call = {}): Promise<Response> {
  return fetch(`${system.api}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

/** A body of so many bytes that is right but for its size. */
function padded(body: object, bytes: number): string {
  const text = JSON.stringify(body)
  return `${text.slice(0, -1)}${' '.repeat(bytes - text.length)}}`
}

const question = (): object => ({ workspace: workspace.id, feature: 'leads' })
const events = (count: number): object => ({
  events: Array.from({ length: count }, () => ({ record: 'LeadEvent', workspace: workspace.id })),
})
const use = (extra: object): string =>
  JSON.stringify({ workspace: workspace.id, id: 'b', items: [{ feature: 'ai_credits' }], ...extra })
const items = (count: number): object => ({
  items: Array.from({ length: count }, () => ({ feature: 'ai_credits' })),
})
const month = { from: '2025-01-01', past: '2026-02-05' }

describe('bounds of a request', () => {
  test.for([
    ['a question of 64 KiB', 64 * KIB, 200, '/v1/check', question],
    ['a question of more', 64 * KIB + 1, 413, '/v1/check', question],
    ['events of 1 MiB', 1_024 * KIB, 200, '/v1/events', () => events(1)],
    ['events of more', 1_024 * KIB + 1, 413, '/v1/events', () => events(1)],
    ['a proposal of 1 MiB', 1_024 * KIB, 422, '/v1/what-if', () => ({ catalogue: {} })],
    ['a proposal of more', 1_024 * KIB + 1, 413, '/v1/what-if', () => ({ catalogue: {} })],
  ] as const)('G22: %s', async ([, bytes, status, path, body]) => {
    expect((await call(path, { body: padded(body(), bytes) })).status).toBe(status)
  })

  test('G22: an event whose record is larger than what is read is refused by name', async () => {
    const lead = { record: 'LeadEvent', id: 'e', action: 'created', leadId: 'l'.repeat(600 * KIB) }
    const own = { workspace: workspace.id, source: 'crm', occurredAt: new Date().toISOString() }
    const large = JSON.stringify({ events: [{ ...lead, ...own }] })
    const text = await (await call('/v1/events', { body: large })).text()
    expect(JSON.parse(text)).toMatchObject({ accepted: 0, refused: 1 })
    expect(text).toContain('"too_large"')
  })

  test.for([
    [1_024 * KIB, 422],
    [1_024 * KIB + 1, 413],
  ] as const)('G22: a catalogue of %d bytes', async ([bytes, status]) => {
    const headers = { 'if-match': '"1"' }
    const body = padded({}, bytes)
    expect((await call('/v1/catalogue?dryRun=true', { method: 'PUT', headers, body })).status).toBe(status)
  })

  test.for([
    [
      'a workspace of 65 characters',
      '/v1/check',
      () => JSON.stringify({ ...question(), workspace: 'w'.repeat(65) }),
    ],
    ['a subject of 129', '/v1/check', () => JSON.stringify({ ...question(), subject: 's'.repeat(129) })],
    ['an operation of 101', '/v1/consume', () => use({ id: 'o'.repeat(101) })],
    ['101 items', '/v1/consume', () => use(items(101))],
    ['101 questions', '/v1/checks', () => JSON.stringify({ workspace: workspace.id, ...items(101) })],
    ['501 events', '/v1/events', () => JSON.stringify(events(501))],
    ['a hold of more than 15 minutes', '/v1/reservations', () => use({ ttlMs: 900_001 })],
    ['a hold of no time', '/v1/reservations', () => use({ ttlMs: 0 })],
    [
      '101 quantities',
      '/v1/reservations/b/commit',
      () => JSON.stringify({ workspace: 'w', quantities: Array(101).fill(1) }),
    ],
  ] as const)('G22: %s: 400', async ([, path, body]) => {
    const answer = await call(path, { body: body() })
    expect([answer.status, Object(await answer.json()).code]).toEqual([400, 'invalid_request'])
  })

  test.for([
    `/v1/workspaces/${'w'.repeat(129)}/subscription`,
    `/v1/workspaces/${'w'.repeat(65)}/subscription`,
    `/v1/workspaces/w/usage?feature=leads&from=${month.from}&to=${month.past}`,
    `/v1/workspaces/w/notices?cursor=${'9'.repeat(257)}`,
    `/v1/workspaces/w/orders?cursor=${'9'.repeat(129)}`,
    `/v1/workspaces/w/audit?cursor=${'9'.repeat(17)}`,
    '/v1/workspaces/w/audit?limit=1000000',
  ])('G22: GET %s: 400', async (path) => {
    const answer = await call(path)
    expect([answer.status, Object(await answer.json()).code]).toEqual([400, 'invalid_request'])
  })

  test('G22: headers of more than 16 KiB: 431', async () => {
    const answer = await call('/v1/catalogue', { headers: { 'x-odd': 'x'.repeat(17 * KIB) } })
    expect(answer.status).toBe(431)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })
})

test('G12: an id of 400,000 letters is set aside, and what comes behind it counts', async () => {
  const lead = { leadId: 'l', action: 'created' }
  await workspace.send('LeadEvent', { ...lead, id: 'a'.repeat(400_000) })
  await workspace.send('LeadEvent', lead)
  await workspace.counted()
  expect(await workspace.check({ feature: 'leads', intent: 'read' })).toMatchObject({ used: 1 })
})

test('G10: nobody can squat on holds: of 20,000 open items the last are refused with 429 until some are given back', async () => {
  const squatter = new TestWorkspace(system)
  await squatter.subscribe({})
  await squatter.override('ai_credits', { limit: null })
  const reserve = (id: string): Promise<Response> =>
    call('/v1/reservations', {
      body: JSON.stringify({ workspace: squatter.id, id, ttlMs: 900_000, ...items(100) }),
    })
  for (let index = 0; index < 199; index += 1) expect((await reserve(`r${index}`)).status).toBe(200)
  const refused = await reserve('one-more')
  expect([refused.status, Object(await refused.json()).code]).toEqual([429, 'overloaded'])
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
  const given = await squatter.post('/v1/reservations/r0/release', { workspace: squatter.id })
  expect(given.status).toBe(200)
  expect(await (await reserve('one-more')).json()).toMatchObject({ allowed: true })
})

test('a key ends by itself when its time has come', async () => {
  const key = await system.createKey({ expiresAt: Date.now() + 2_000 })
  const ask = (): Promise<Response> => call('/v1/catalogue', { key })
  expect((await ask()).status).toBe(200)
  await eventually(ask, ({ status }) => status === 401, { what: 'the key to end', withinMs: 5_000 })
})
