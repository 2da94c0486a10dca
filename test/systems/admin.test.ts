import { afterAll, beforeAll, expect, test } from 'vitest'
import { toIso } from '#core/instant.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
/** A second API on the same engines. */
let other: System
beforeAll(async () => {
  system = await startSystem()
  other = await startSystem(['api'])
}, 120_000)
afterAll(() => Promise.all([system.stop(), other.stop()]))

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly etag: string | null
}

async function ask(
  method: string,
  path: string,
  { body, headers, key }: { body?: object; headers?: Record<string, string>; key?: string } = {},
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(`${system.api}${path}`, {
    method,
    headers: { authorization: `Bearer ${key ?? system.key}`, ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answered = (await response.json()) as Record<string, unknown>
  return { status: response.status, body: answered, etag: response.headers.get('etag') }
}

test('G28: an override is in force with the next check of every API, and its record says who, what, before and after', async () => {
  const workspace = new TestWorkspace(system)
  const elsewhere = Object.assign(new TestWorkspace(other), { id: workspace.id })
  await workspace.subscribe({ seats: 1 })
  const path = `/v1/workspaces/${workspace.id}/overrides/ai_agents`
  const question = { feature: 'ai_agents', intent: 'read' }
  const { limit } = await elsewhere.check(question)
  const until = toIso(Date.now() + 3_600_000)
  const set = await ask('PUT', path, { body: { limit: 7, until, reason: 'a pilot' } })
  expect(set).toMatchObject({ status: 200, body: { before: null, override: { limit: 7, until } } })
  expect((await elsewhere.check(question)).limit).toBe(7)
  expect((await ask('DELETE', path, { body: { reason: 'over' } })).status).toBe(200)
  expect((await elsewhere.check(question)).limit).toBe(limit)
  expect((await ask('DELETE', path, { body: { reason: 'over' } })).status).toBe(404)

  const { body } = await ask('GET', `/v1/workspaces/${workspace.id}/audit`)
  const by = { kind: 'key', id: system.key.slice(8, 16), label: 'test' }
  expect(body['entries']).toMatchObject([
    { number: 3, action: 'override_ended', by, subject: 'ai_agents', reason: 'over', after: null },
    { number: 2, action: 'override_set', by, reason: 'a pilot', before: null, after: { limit: 7, until } },
    { number: 1, action: 'subscription_purchased', by: { kind: 'billing', id: 'customer' }, before: null },
  ])
  const listed = await runCli(system, ['audit', 'list', '--workspace', workspace.id])
  expect(listed).toMatchObject({ code: 0, out: expect.stringContaining('override_ended') })
})

test.for([
  ['an unknown feature', 'cats', { limit: 1, reason: 'r' }, 422, 'unknown_feature'],
  [
    'an end in the past',
    'leads',
    { limit: 1, until: '2020-01-01T00:00:00Z', reason: 'r' },
    400,
    'invalid_request',
  ],
  ['a negative limit', 'leads', { limit: -1, reason: 'r' }, 400, 'invalid_request'],
  ['no reason', 'leads', { limit: 1 }, 400, 'invalid_request'],
  ['an empty reason', 'leads', { limit: 1, reason: ' ' }, 400, 'invalid_request'],
] as const)('an override with %s is refused', async ([, feature, body, status, code]) => {
  const path = `/v1/workspaces/w-refused/overrides/${feature}`
  expect(await ask('PUT', path, { body })).toMatchObject({ status, body: { code } })
  expect((await ask('GET', '/v1/workspaces/w-refused/audit')).status).toBe(404)
})

test.for([
  ['half of a pair of UTF-16', 'a pilot \ud800'],
  ['a zero byte', 'a\u0000pilot'],
  ['letters beyond 16 bits', 'a pilot 😀'],
])('G28: an entry whose reason holds %s is stored as its hash says', async ([, reason]) => {
  const { id } = new TestWorkspace(system)
  const set = await ask('PUT', `/v1/workspaces/${id}/overrides/leads`, { body: { limit: 1, reason } })
  expect(set.status).toBe(200)
  expect(await runCli(system, ['audit', 'verify'])).toMatchObject({
    code: 0,
    out: expect.stringContaining(', 0 faults'),
  })
})

test('G28: an entry edited by hand and one taken out are found, each in its chain', async () => {
  const [edited, cut] = [new TestWorkspace(system), new TestWorkspace(system)]
  for (const { id } of [edited, cut]) {
    for (const limit of [1, 2, 3])
      await ask('PUT', `/v1/workspaces/${id}/overrides/leads`, { body: { limit, reason: 'r' } })
  }
  const entryOf = (workspace: TestWorkspace, number: number): { _id: string } => {
    return { _id: `${workspace.id}/${String(number).padStart(19, '0')}` }
  }
  expect(await runCli(system, ['audit', 'verify'])).toMatchObject({ code: 0 })
  const audit = system.mongo.db.collection<{ _id: string }>('audit')
  const whole = await audit.findOne(entryOf(edited, 2))
  await audit.updateOne(entryOf(edited, 2), { $set: { 'body.override.limit': 2_000 } })
  await audit.deleteOne(entryOf(cut, 2))
  const found = await runCli(system, ['audit', 'verify', '--json'])
  expect(found.code).toBe(1)
  expect(JSON.parse(found.out).broken).toEqual(
    [
      { entry: `audit/${entryOf(edited, 2)._id}`, problem: 'it was changed after it was stored' },
      { entry: `audit/${entryOf(cut, 3)._id}`, problem: expect.stringContaining(entryOf(cut, 2)._id) },
    ].sort((a, b) => (a.entry < b.entry ? -1 : 1)),
  )
  if (whole !== null) await audit.replaceOne(entryOf(edited, 2), whole)
  await audit.deleteMany({ _id: { $gte: `${cut.id}/`, $lt: `${cut.id}0` } })
})

test.for(['subscription_versions', 'catalogues'])(
  'G28: a document of %s that was edited by hand is found',
  async (name) => {
    await new TestWorkspace(system).subscribe({})
    const collection = system.mongo.db.collection<{ _id: string }>(name)
    const [newest] = await collection.find().sort({ _id: -1 }).limit(1).toArray()
    if (newest === undefined) throw new Error(`${name} is empty`)
    await collection.updateOne({ _id: newest._id }, { $set: { 'body.edited': true } })
    const found = await runCli(system, ['audit', 'verify', '--json'])
    await collection.replaceOne({ _id: newest._id }, newest)
    expect(found.code).toBe(1)
    expect(JSON.parse(found.out).broken).toEqual([
      { entry: `${name}/${newest._id}`, problem: 'it was changed after it was stored' },
    ])
  },
)

test('keys: rotated with an overlap, listed without secrets, ended within 5 s in every API; all of it recorded', async () => {
  const made = await runCli(system, ['key', 'create', '--scope', 'usage:read', '--label', 'ops', '--json'])
  const { key } = JSON.parse(made.out) as { key: string }
  const id = key.slice(8, 16)
  const path = '/v1/catalogue'
  expect((await ask('GET', path, { key })).status).toBe(200)
  const rotated = JSON.parse((await runCli(system, ['key', 'rotate', id, '--overlap', '1', '--json'])).out)
  expect((await ask('GET', path, { key })).status).toBe(200)
  expect((await ask('GET', path, { key: rotated.key })).status).toBe(200)
  await runCli(system, ['key', 'rotate', id, '--overlap', '0', '--json'])
  const startedAt = performance.now()
  await eventually(
    () => ask('GET', path, { key }),
    ({ status }) => status === 401,
    { what: 'the old key to end' },
  )
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  expect((await ask('GET', path, { key: rotated.key })).status).toBe(200)
  const listed = await runCli(system, ['key', 'list'])
  expect(listed.out).toContain(id)
  expect(listed.out).not.toContain(key.slice(17))
  const audit = await runCli(system, ['audit', 'list', '--json'])
  const entries = JSON.parse(audit.out).entries as { action: string; subject: string }[]
  expect(entries.filter(({ subject }) => subject === id).map(({ action }) => action)).toEqual([
    'key_revoked',
    'key_revoked',
    'key_created',
  ])
  expect(audit.out).not.toContain(key.slice(17))
})
