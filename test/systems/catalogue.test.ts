import { afterAll, beforeAll, expect, test } from 'vitest'
import { toIso } from '#core/instant.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Engines of its own: a catalogue is there for all. */
let rig: Rig
let system: System
/** A second API. */
let other: System
beforeAll(async () => {
  rig = await startRig({ ownMongo: true })
  system = rig.system
  other = await startSystem(['api'], rig.settings, rig.addresses)
}, 120_000)
afterAll(async () => {
  await other.stop()
  await rig.stop()
})

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

test('a new revision of the catalogue: previewed, refused, stored; every API sells a new meter, which nothing counts before it begins', async () => {
  const { body: inForce, etag } = await ask('GET', '/v1/catalogue')
  const catalogue = inForce['catalogue'] as Record<string, Record<string, unknown>>
  const from = toIso(Date.now() + 62_000)
  const definition = {
    record: 'MeterEvent',
    when: { meter: ['exports'] },
    quantity: 'quantity',
    aggregation: 'level',
    from,
  }
  const next = structuredClone(catalogue)
  Object.assign(next['meters'] ?? {}, { exports: [definition] })
  Object.assign(next['features'] ?? {}, {
    exports: { ...(catalogue['features']?.['leads'] as object), meters: ['exports'] },
  })
  for (const plan of Object.values(next['plans'] ?? {}) as {
    versions: { limits: Record<string, unknown> }[]
  }[])
    for (const version of plan.versions) version.limits['exports'] = { base: 3 }
  const match = { 'if-match': etag ?? '' }
  expect((await ask('PUT', '/v1/catalogue', { body: next })).body).toMatchObject({ code: 'invalid_request' })
  const stale = await ask('PUT', '/v1/catalogue', { body: next, headers: { 'if-match': '"999"' } })
  expect(stale).toMatchObject({
    status: 409,
    body: { code: 'revision_conflict', revision: inForce['revision'] },
  })
  const { plans: _, ...broken } = next
  const refused = await ask('PUT', '/v1/catalogue', { body: { ...broken, colour: 1 }, headers: match })
  expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_catalogue' } })
  expect((refused.body['problems'] as unknown[]).length).toBeGreaterThan(1)

  const preview = await ask('PUT', '/v1/catalogue?dryRun=true', { body: next, headers: match })
  expect(preview).toMatchObject({
    status: 200,
    body: { isDryRun: true, changes: { features: { added: ['exports'] }, meters: { added: ['exports'] } } },
  })
  expect((await ask('GET', '/v1/catalogue')).etag).toBe(etag)
  const stored = await ask('PUT', '/v1/catalogue', { body: next, headers: match })
  expect(stored).toMatchObject({ status: 200, body: { revision: Number(inForce['revision']) + 1 } })

  const workspace = new TestWorkspace(system)
  const elsewhere = Object.assign(new TestWorkspace(other), { id: workspace.id })
  await workspace.subscribe({})
  expect(await elsewhere.check({ feature: 'exports', intent: 'read' })).toMatchObject({ limit: 3, used: 0 })
  const occurredAt = Date.now() + 120_000
  await workspace.send('MeterEvent', { meter: 'exports', quantity: 2, action: 'add', occurredAt })
  const letters = await eventually(
    () => ask('GET', `/v1/dead-letters?workspace=${workspace.id}`),
    ({ body }) => Object(body['letters']).length === 1,
    { what: 'the event that is dated ahead to be set aside' },
  )
  expect(letters.body).toMatchObject({ letters: [{ code: 'unknown_meter' }] })
  expect(await ask('GET', '/v1/catalogue/revisions')).toMatchObject({
    body: { revisions: [{ storedBy: { kind: 'key' } }, { storedBy: { kind: 'setup' } }] },
  })
  const { entries } = JSON.parse((await runCli(system, ['audit', 'list', '--json'])).out)
  const revision = Number(inForce['revision'])
  const entry = entries.find(({ action }: { readonly action: string }) => action === 'catalogue_stored')
  expect(entry).toMatchObject({ before: { revision }, after: { revision: revision + 1 } })
  expect(entry.after.changes).toMatchObject({
    features: { added: ['exports'], changed: [], removed: [] },
    meters: { added: ['exports'] },
    plans: { added: [], removed: [] },
  })
})

test('a lower limit in a new revision is noted as crossed at once, grace runs from then; a check of the past takes the revision of then', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base', seats: 1 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 100 })
  await workspace.becomes({ feature: 'leads' }, 'within_limit')
  await workspace.counted()
  const { body, etag } = await ask('GET', '/v1/catalogue')
  const next = structuredClone(body['catalogue']) as {
    plans: Record<string, { versions: { limits: object }[] }>
  }
  for (const version of next.plans['base']?.versions ?? [])
    Object.assign(version.limits, { leads: { base: 50 } })
  const before = Date.now()
  const headers = { 'if-match': etag ?? '' }
  const stored = await ask('PUT', '/v1/catalogue', { body: next, headers })
  expect(stored.status).toBe(200)
  const seen = await eventually(
    () => workspace.check({ feature: 'leads' }),
    ({ overLimit }) => overLimit?.since !== null && overLimit !== null,
    { what: 'the crossing to be noted' },
  )
  expect(seen.reason).toBe('over_limit_grace')
  expect(Date.parse(seen.overLimit?.since ?? '')).toBeGreaterThanOrEqual(before - 1_000)
  const revisions = [Number(body['revision']), Number(stored.body['revision'])]
  const [last] = (await ask('GET', '/v1/catalogue/revisions')).body['revisions'] as { storedAt: string }[]
  const storedAt = Date.parse(last?.storedAt ?? '')
  for (const [at, limit, revision] of [
    [before, 2_500, revisions[0]],
    [storedAt - 1, 2_500, revisions[0]],
    [storedAt, 50, revisions[1]],
  ] as const) {
    const then = await workspace.check({ feature: 'leads', explain: true, at: toIso(at) })
    expect(then, toIso(at)).toMatchObject({
      limit,
      trace: expect.arrayContaining([
        expect.objectContaining({ data: { at: toIso(at), catalogueRevision: revision } }),
      ]),
    })
  }
})

test('a plan that somebody is on may not be taken away; one that nobody ever was on may', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'pro' })
  const { body, etag } = await ask('GET', '/v1/catalogue')
  const without = (plan: string): object => {
    const next = structuredClone(body['catalogue']) as { plans: Record<string, unknown> }
    delete next.plans[plan]
    return next
  }
  const headers = { 'if-match': etag ?? '' }
  const refused = await ask('PUT', '/v1/catalogue?dryRun=true', { body: without('pro'), headers })
  expect(refused).toMatchObject({ status: 422, body: { problems: [{ path: 'plans.pro' }] } })
  const allowed = await ask('PUT', '/v1/catalogue?dryRun=true', { body: without('enterprise'), headers })
  expect(allowed).toMatchObject({ status: 200, body: { changes: { plans: { removed: ['enterprise'] } } } })
})

test('G28: MongoDB killed in the middle of changes: each one acknowledged is recorded, each one recorded is in force', async () => {
  const workspaces = Array.from({ length: 8 }, () => new TestWorkspace(system))
  const acknowledged = new Map<string, number[]>()
  let isOver = false
  const changing = workspaces.map(async ({ id }) => {
    for (let limit = 1; !isOver; limit += 1) {
      const body = { limit, reason: 'r' }
      const { status } = await ask('PUT', `/v1/workspaces/${id}/overrides/leads`, { body })
      expect([200, 503]).toContain(status)
      if (status === 200) acknowledged.set(id, [...(acknowledged.get(id) ?? []), limit])
    }
  })
  const count = async (): Promise<number> => [...acknowledged.values()].flat().length
  await eventually(count, (made) => made > 40, { what: 'changes under way' })
  await rig.killEngine('mongo')
  await rig.startEngines()
  const before = await count()
  await eventually(count, (made) => made > before + 40, { what: 'changes to go on', withinMs: 60_000 })
  isOver = true
  await Promise.all(changing)
  for (const { id } of workspaces) {
    const { body } = await ask('GET', `/v1/workspaces/${id}/overrides`)
    const { overrides } = body as { overrides: { override: { limit: number }; isInForce: boolean }[] }
    const limits = new Set(await recorded(id))
    expect(acknowledged.get(id)?.filter((limit) => !limits.has(limit))).toEqual([])
    expect(overrides[0]?.override.limit).toBe(Math.max(...limits))
    expect(overrides[0]?.isInForce).toBe(true)
  }
  const verified = await runCli(system, ['audit', 'verify'])
  expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('0 faults') })
}, 120_000)

/** Limits that the audit of a workspace records, page by page. */
async function recorded(workspace: string): Promise<readonly number[]> {
  const limits: number[] = []
  let cursor: unknown = null
  do {
    const query = cursor === null ? '' : `?cursor=${String(cursor)}`
    const { body } = await ask('GET', `/v1/workspaces/${workspace}/audit${query}`)
    const page = body as { entries: { after: { limit: number } }[]; cursor: number | null }
    limits.push(...page.entries.map(({ after }) => after.limit))
    cursor = page.cursor
  } while (cursor !== null)
  return limits
}

test('S3: a revision that raises the shortest term judges what happens from then on, and nothing before', async () => {
  const workspace = new TestWorkspace(system)
  const late = new TestWorkspace(system)
  await workspace.subscribe({ termMonths: 6 })
  const { body, etag } = await ask('GET', '/v1/catalogue')
  const next = structuredClone(body['catalogue']) as { terms: { months: number }[] }
  next.terms = next.terms.filter(({ months }) => months >= 12)
  const state = async (of: TestWorkspace, from = system): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${from.key}` }
    const answer = await fetch(`${from.api}/v1/workspaces/${of.id}/subscription`, { headers })
    return Object(await answer.json())
  }
  const before = await state(workspace)
  const wouldBe = await ask('POST', '/v1/what-if', { body: { catalogue: next } })
  expect(wouldBe.body['denied']).toEqual([])
  const boughtAt = Date.now()
  const stored = await ask('PUT', '/v1/catalogue', { body: next, headers: { 'if-match': etag ?? '' } })
  expect(stored.status, JSON.stringify(stored.body)).toBe(200)

  expect([await state(workspace), await state(workspace, other)]).toEqual([before, before])
  await workspace.override('ai_agents', { limit: 7 })
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ plan: 'base', status: 'active' })
  await late.subscribe({ termMonths: 6 }, { occurredAt: boughtAt })
  expect(await state(late)).toMatchObject({ current: { termMonths: 6 }, history: [{ refusals: [] }] })
  await workspace.subscribe({ termMonths: 6 }, { type: 'renewed' })
  const refused = { version: 2, refusals: [{ code: 'term_too_short' }] }
  expect(await state(workspace, other)).toMatchObject({ history: [refused, { refusals: [] }] })
  await workspace.subscribe({ termMonths: 12 }, { type: 'renewed' })
  expect(await state(workspace, other)).toMatchObject({ current: { termMonths: 12 } })
})
