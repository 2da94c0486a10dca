import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KeyStore } from '#drivers/mongo/key-store.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let workspace: TestWorkspace
beforeAll(async () => {
  system = await startSystem()
  workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base', seats: 2 })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 20 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 7 })
  await workspace.counted()
})
afterAll(() => system.stop())

interface Call {
  readonly method?: string
  readonly key?: string | null
  readonly body?: unknown
  readonly type?: string
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

async function call(
  path: string,
  { method, key = system.key, body, type = 'application/json' }: Call = {},
): Promise<Answer> {
  const response = await fetch(`${system.api}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    headers: response.headers,
    body: Object(await response.json()),
  }
}

const ask = (extra: object = {}): object => ({ workspace: workspace.id, feature: 'leads', ...extra })

describe('keys and scopes', () => {
  test('no key, a wrong secret and a malformed key all answer 401', async () => {
    const wrong = `${system.key.slice(0, -3)}abc`
    for (const key of [null, wrong, 'tg_live_x', 'tg_live_AAAAAAAA_'.padEnd(60, 'A')]) {
      expect(await call('/v1/check', { key, body: ask() }), String(key)).toMatchObject({
        status: 401,
        body: { code: 'unauthenticated', status: 401 },
      })
    }
  })

  test('a key without the scope answers 403 and names it', async () => {
    const key = await system.createKey({ scopes: ['usage:read'] })
    expect(await call('/v1/check', { key, body: ask() })).toMatchObject({
      status: 403,
      body: { code: 'forbidden', scope: 'check' },
    })
  })

  test('G21: a foreign workspace and an absent one look alike', async () => {
    const key = await system.createKey({ workspaces: ['somebody-else'] })
    const paths = [
      'entitlements',
      'usage?feature=leads',
      'subscription',
      'orders',
      'overrides',
      'notices',
      'decisions',
    ]
    for (const path of paths) {
      const foreign = await call(`/v1/workspaces/${workspace.id}/${path}`, { key })
      const absent = await call(`/v1/workspaces/nobody-${workspace.id}/${path}`, { key })
      expect(foreign.status, path).toBe(404)
      const plain = ({ body: { detail, request: _, ...rest } }: Answer): object => ({
        ...rest,
        detail: String(detail).replace(`nobody-${workspace.id}`, workspace.id),
      })
      expect(plain(absent), path).toEqual(plain(foreign))
    }
    expect((await call('/v1/check', { key, body: ask() })).status).toBe(404)
  })

  test('a revoked key stops working within 5 s', async () => {
    const key = await system.createKey({})
    expect((await call('/v1/check', { key, body: ask() })).status).toBe(200)
    const change = { at: Date.now(), by: { kind: 'cli', id: 'test', label: 'test' } } as const
    await new KeyStore(system.mongo.db, 'any').revoke(key.slice(8, 16), Date.now(), change)
    await eventually(
      () => call('/v1/check', { key, body: ask() }),
      ({ status }) => status === 401,
      {
        what: 'the key to end',
        withinMs: 5_000,
      },
    )
  })

  test('only a hash of a key is stored', async () => {
    const key = await system.createKey({})
    const stored = await system.mongo.db
      .collection<{ _id: string }>('keys')
      .findOne({ _id: key.slice(8, 16) })
    expect(JSON.stringify(stored)).not.toContain(key.slice(17))
  })
})

describe('requests that are not right', () => {
  test.for([
    ['an unknown property', { colour: 'red' }, 'colour'],
    ['a quantity that is text', { quantity: '1' }, 'quantity'],
    ['a negative quantity', { quantity: -1 }, 'quantity'],
    ['a fraction', { quantity: 0.5 }, 'quantity'],
    ['a quantity above 10^9', { quantity: 1_000_000_001 }, 'quantity'],
    ['an intent that is none', { intent: 'steal' }, 'intent'],
    ['a workspace with braces', { workspace: '{s01}' }, 'workspace'],
    ['a meter of another feature', { meter: 'contacts' }, 'meter'],
    ['a subject where nothing is distinct', { subject: 'x' }, 'subject'],
    ['an instant that lies ahead', { at: '2126-01-01T00:00:00Z' }, 'at'],
    ['an instant before all history', { at: '2016-01-01T00:00:00Z' }, 'at'],
    ['a past that is to be fresh', { at: '2026-06-01T00:00:00Z', minFreshnessMs: 5 }, 'at'],
  ] as const)('%s: 400 invalid_request, naming the field', async ([, extra, field]) => {
    const answer = await call('/v1/check', { body: ask(extra) })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', field } })
    expect(answer.type).toMatch(/^application\/problem\+json/)
  })

  test('an unknown feature: 422, naming the known ones', async () => {
    const answer = await call('/v1/check', { body: ask({ feature: 'teleport' }) })
    expect(answer).toMatchObject({ status: 422, body: { code: 'unknown_feature' } })
    expect(answer.body['known']).toContain('contacts_companies')
  })

  test('bad JSON, another content type, too large, no such route', async () => {
    expect(await call('/v1/check', { body: '{"workspace":' })).toMatchObject({ status: 400 })
    expect(await call('/v1/check', { body: 'x', type: 'text/plain' })).toMatchObject({ status: 415 })
    expect(await call('/v1/check', { body: ask({ feature: 'x'.repeat(70_000) }) })).toMatchObject({
      status: 413,
    })
    expect(await call('/v1/nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

describe('answers', () => {
  test('a workspace nobody has named: a check says no_subscription, a read 404', async () => {
    const unseen = `unseen-${workspace.id}`
    const answer = await call('/v1/check', { body: { workspace: unseen, feature: 'leads' } })
    expect(answer).toMatchObject({
      status: 200,
      body: { allowed: false, reason: 'no_subscription', status: 'none' },
    })
    for (const path of ['entitlements', 'usage?feature=leads', 'subscription', 'orders', 'overrides']) {
      expect((await call(`/v1/workspaces/${unseen}/${path}`)).status, path).toBe(404)
    }
  })

  test('checks: allowed only when all items fit together', async () => {
    const items = (quantity: number): object => ({
      workspace: workspace.id,
      items: [
        { feature: 'ai_credits', quantity },
        { feature: 'ai_credits', quantity: 740 },
        { feature: 'leads', quantity: 1 },
      ],
    })
    expect((await call('/v1/checks', { body: items(740) })).body['allowed']).toBe(true)
    const { body } = await call('/v1/checks', { body: items(741) })
    expect(body['allowed']).toBe(false)
    expect((body['decisions'] as { allowed: boolean }[]).map(({ allowed }) => allowed)).toEqual([
      true,
      false,
      true,
    ])
  })

  test('entitlements: every feature with limit, use and where the limit comes from', async () => {
    const { body } = await eventually(
      () => call(`/v1/workspaces/${workspace.id}/entitlements`),
      (answer) => answer.body['exact'] === true,
      { what: 'the counters to be level with the log' },
    )
    expect(body).toMatchObject({ plan: 'base', access: 'active' })
    const rows = body['entitlements'] as Record<string, unknown>[]
    expect(rows).toHaveLength(13)
    expect(rows.find(({ feature }) => feature === 'leads')).toMatchObject({
      used: 7,
      limit: 5_000,
      remaining: 4_993,
      source: 'plan',
    })
    expect(rows.find(({ feature }) => feature === 'salesbot')).toMatchObject({ kind: 'switch', on: false })
  })

  test('L4: a check that is denied leaves the counters as they were', async () => {
    const credits = { feature: 'ai_credits', quantity: 1_000_000_000 }
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await workspace.check(credits)).toMatchObject({ reason: 'limit_reached', used: 20 })
    }
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ allowed: true, used: 20 })
  })

  test('usage: by UTC day, and the total of the window', async () => {
    const today = new Date().toISOString().slice(0, 10)
    const { body } = await call(
      `/v1/workspaces/${workspace.id}/usage?feature=ai_credits&from=${today}&to=${today}`,
    )
    expect(body).toMatchObject({ total: 20, days: [{ day: today, used: 20, meters: { ai_credits: 20 } }] })
    const leads = await call(`/v1/workspaces/${workspace.id}/usage?feature=leads`)
    const days = leads.body['days'] as { used: number | null }[]
    expect(days).toHaveLength(31)
    expect([days.at(0)?.used, days.at(-1)?.used]).toEqual([null, 7])
  })

  test('subscription: what is in force, and its history', async () => {
    const { body } = await call(`/v1/workspaces/${workspace.id}/subscription`)
    expect(body).toMatchObject({
      current: { plan: 'base', seats: 2, access: 'active', version: 1 },
      history: [{ version: 1 }],
    })
  })

  test('catalogue: the revision in force as data', async () => {
    const { body, headers } = await call('/v1/catalogue')
    expect(headers.get('etag')).toBe('"1"')
    expect(body).toMatchObject({ revision: 1, catalogue: { processingWindowMinutes: 15 } })
    expect((await call('/v1/catalogue/revisions')).body).toMatchObject({ revisions: [{ revision: 1 }] })
  })

  test('explain: the trace is there only when asked for', async () => {
    expect((await call('/v1/check', { body: ask() })).body).not.toHaveProperty('trace')
    const { body } = await call('/v1/check', { body: ask({ explain: true }) })
    expect((body['trace'] as { step: string }[]).map(({ step }) => step)).toEqual([
      'status',
      'plan',
      'seats',
      'limit',
      'counter',
      'verdict',
    ])
  })

  test('health, readiness and the contract are open; metrics stand on the admin port', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json']) {
      expect((await call(path, { key: null })).status, path).toBe(200)
    }
    expect((await call('/metrics', { key: null })).status).toBe(404)
    const metrics = await fetch(`http://127.0.0.1:${system.env['ADMIN_PORT']}/metrics`).then((response) =>
      response.text(),
    )
    expect(metrics).toMatch(
      /tallygate_decisions_total\{feature="leads",reason="within_limit",degraded="false"\} \d+/,
    )
    expect(metrics).toContain('tallygate_dependency_up{dependency="redis"} 1')
    const counting = await fetch(`${system.consumers}/metrics`).then((response) => response.text())
    expect(counting).toContain('tallygate_usage_lag_records{partition="7"}')
    expect(counting).toContain('tallygate_counters_behind_seconds{partition="7"}')
    expect(counting).toContain('tallygate_shards_rebuilding 0')
    expect(counting).toContain('tallygate_dependency_up{dependency="kafka"} 1')
    expect(counting).toMatch(/tallygate_enforcement_lag_seconds_count [1-9]/)
  })
})

test('G6, G26: while counters are gone, each feature answers by its policy and never from a silent zero', async () => {
  const subject = new TestWorkspace(system)
  await subject.subscribe({})
  await subject.check({ feature: 'ai_credits' })
  await system.kill('consumers')
  await system.redis.flushall()
  // What is kept near is told of the loss, and never older than CHECK_CACHE_MS.
  expect(await subject.becomes({ feature: 'ai_credits' }, 'rebuilding')).toMatchObject({
    allowed: false,
    reason: 'rebuilding',
    degraded: true,
  })
  expect(await subject.check({ feature: 'leads' })).toMatchObject({
    allowed: true,
    reason: 'degraded_allow',
    exact: false,
  })
  expect((await call(`/v1/workspaces/${subject.id}/entitlements`)).status).toBe(503)
  await system.start('consumers')
  await subject.becomes({ feature: 'ai_credits' }, 'within_limit')
})
