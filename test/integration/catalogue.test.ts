import { afterAll, beforeAll, expect, test } from 'vitest'
import { toIso } from '#core/instant.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Engines of its own: a catalogue is there for all. */
let rig: Rig
let system: System
/** A second API. */
let other: System
beforeAll(async () => {
  rig = await startRig()
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

test('a new revision of the catalogue: previewed, refused, stored; a new meter counts and every API sells it', async () => {
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
  const occurredAt = Date.now() + 120_000
  await workspace.send('MeterEvent', { meter: 'exports', quantity: 2, action: 'add', occurredAt })
  const seen = await eventually(
    () => elsewhere.check({ feature: 'exports', intent: 'read' }),
    ({ used }) => used === 2,
    { what: 'the new meter to be counted' },
  )
  expect(seen.limit).toBe(3)
  expect(await ask('GET', '/v1/catalogue/revisions')).toMatchObject({
    body: { revisions: [{ storedBy: { kind: 'key' } }, { storedBy: { kind: 'setup' } }] },
  })
})
