import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

async function workspaceWith(change: Readonly<Record<string, unknown>>): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe(change)
  return workspace
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly decisions: readonly Readonly<Record<string, unknown>>[]
}

async function use(workspace: TestWorkspace, path: string, body: object): Promise<Answer> {
  const response = await workspace.post(path, { workspace: workspace.id, ...body })
  const answer = (await response.json()) as Record<string, unknown>
  const decisions = Array.isArray(answer['decisions']) ? answer['decisions'] : []
  return { status: response.status, body: answer, decisions }
}

const credits = (quantity: number): object => ({ feature: 'ai_credits', quantity })

describe('POST /v1/consume', () => {
  test('counts what it allows, denies what does not fit, and a check that waits for it sees it', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const first = await use(workspace, '/v1/consume', { id: 'a', items: [credits(700)] })
    expect(first).toMatchObject({
      status: 200,
      body: { allowed: true, granted: [700], eventIds: ['c~a~0'], replayed: false },
    })
    expect(first.decisions).toMatchObject([{ used: 0, held: 0, limit: 750, remaining: 750, quantity: 700 }])
    const denied = await use(workspace, '/v1/consume', { id: 'b', items: [credits(51)] })
    expect(denied.body).toMatchObject({ allowed: false, granted: [0], eventIds: [] })
    expect(denied.decisions).toMatchObject([{ reason: 'limit_reached', allowed: false, remaining: 50 }])
    const seen = await workspace.check({ feature: 'ai_credits', after: 'c~a~0' })
    expect(seen).toMatchObject({ used: 700, remaining: 50 })
    expect(await workspace.check({ feature: 'ai_credits', minFreshnessMs: 0 })).toMatchObject({ used: 700 })
  })

  test('G11: the same id and body is answered alike, another body conflicts, a denial is decided anew', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const body = { id: 'op', items: [credits(10)] }
    const first = await use(workspace, '/v1/consume', body)
    const second = await use(workspace, '/v1/consume', body)
    expect(second.body).toEqual({ ...first.body, replayed: true })
    const other = await use(workspace, '/v1/consume', { id: 'op', items: [credits(11)] })
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } })
    expect((await use(workspace, '/v1/reservations', body)).status).toBe(409)
    const tooMuch = { id: 'more', items: [credits(750)] }
    expect((await use(workspace, '/v1/consume', tooMuch)).body['allowed']).toBe(false)
    await workspace.subscribe({ seats: 2 })
    expect((await use(workspace, '/v1/consume', tooMuch)).body).toMatchObject({
      allowed: true,
      replayed: false,
    })
  })

  test('all items or none; with partial as many as fit', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const number = { feature: 'whatsapp_numbers', subject: '+1' }
    const both = { id: 'both', items: [number, credits(567), credits(200)] }
    const none = await use(workspace, '/v1/consume', both)
    expect(none.body).toMatchObject({ allowed: false, granted: [0, 0, 0], eventIds: [] })
    expect(await workspace.check({ ...number, subject: '+2' })).toMatchObject({ allowed: true, held: 0 })
    const admitted = await use(workspace, '/v1/consume', { ...both, id: 'part', partial: true })
    expect(admitted.body).toMatchObject({ allowed: true, granted: [1, 567, 183] })
    expect(admitted.body).toMatchObject({ eventIds: ['c~part~0', 'c~part~1', 'c~part~2'] })
    expect(admitted.decisions.map(({ allowed, quantity }) => [allowed, quantity])).toEqual([
      [true, 1],
      [true, 567],
      [true, 183],
    ])
    const again = await use(workspace, '/v1/consume', { ...both, id: 'more', partial: true })
    expect(again.body).toMatchObject({ allowed: true, granted: [1, 0, 0], eventIds: ['c~more~0'] })
    expect(again.decisions).toMatchObject([
      { allowed: true },
      { allowed: false, reason: 'limit_reached' },
      {},
    ])
    const full = await use(workspace, '/v1/consume', { id: 'full', items: [credits(1)], partial: true })
    expect(full.body).toMatchObject({ allowed: false, granted: [0] })
  })

  test('a number that is being connected is held once, and costs nothing once it is a member', async () => {
    const workspace = await workspaceWith({ plan: 'base' })
    const connect = (subject: string): object => ({ items: [{ feature: 'whatsapp_numbers', subject }] })
    const hold = { ...connect('+551'), ttlMs: 60_000 }
    expect((await use(workspace, '/v1/reservations', { id: 'r1', ...hold })).body['allowed']).toBe(true)
    expect((await use(workspace, '/v1/reservations', { id: 'r2', ...hold })).body['allowed']).toBe(true)
    const question = { feature: 'whatsapp_numbers', subject: '+551' }
    expect(await workspace.check(question)).toMatchObject({ allowed: true, held: 1 })
    expect(await workspace.check({ ...question, subject: '+552' })).toMatchObject({ allowed: false })
    expect((await use(workspace, '/v1/consume', { id: 'c1', ...connect('+552') })).body['allowed']).toBe(
      false,
    )
    await use(workspace, '/v1/reservations/r1/release', {})
    expect((await use(workspace, '/v1/consume', { id: 'c2', ...connect('+552') })).body['allowed']).toBe(
      false,
    )
    expect((await use(workspace, '/v1/reservations/r2/commit', {})).status).toBe(200)
    await workspace.check({ ...question, after: 'c~r2~0' })
    const again = await use(workspace, '/v1/consume', { id: 'c3', ...connect('+551') })
    expect(again.decisions).toMatchObject([{ allowed: true, used: 1, held: 0, limit: 1 }])
  })

  test('a function is weighed, an old operation is refused, and what cannot count is named', async () => {
    const workspace = await workspaceWith({})
    const weighed = await use(workspace, '/v1/consume', {
      id: 'f',
      items: [{ feature: 'ai_credits', function: 'summary' }],
    })
    expect(weighed.body).toMatchObject({ allowed: true, granted: [5] })
    const old = new Date(Date.now() - 25 * HOUR_MS).toISOString()
    const stale = { id: 'old', items: [credits(1)], occurredAt: old }
    expect(await use(workspace, '/v1/consume', stale)).toMatchObject({
      status: 422,
      body: { code: 'stale_operation' },
    })
    for (const item of [
      { feature: 'contacts_companies' },
      { feature: 'whatsapp_numbers' },
      { feature: 'ai_agent' },
      { feature: 'ai_credits', function: 'nothing' },
      { feature: 'whatsapp_numbers', subject: '+1', quantity: 2 },
      { feature: 'leads', subject: 'x' },
    ])
      expect(
        await use(workspace, '/v1/consume', { id: 'x', items: [item] }),
        JSON.stringify(item),
      ).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      })
    expect((await use(workspace, '/v1/consume', { id: 'x', items: [{ feature: 'nothing' }] })).status).toBe(
      422,
    )
  })

  test('L1: within grace a hold has no limit; nothing lapsed or unknown is held', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const lead = (quantity: number): object => ({ feature: 'leads', quantity })
    const past = await use(workspace, '/v1/consume', { id: 'g', items: [lead(2_501)] })
    expect(past.decisions).toMatchObject([
      { allowed: true, reason: 'over_limit_grace', overLimit: { since: null } },
    ])
    const unknown = new TestWorkspace(system)
    const nobody = await use(unknown, '/v1/consume', { id: 'n', items: [lead(1)] })
    expect(nobody.decisions).toMatchObject([{ allowed: false, reason: 'no_subscription' }])
  })
})

describe('reservations', () => {
  test('G10: a commit counts what was used and returns the rest; every other resolve is named', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const body = { id: 'r', items: [credits(500)], ttlMs: 60_000 }
    const reserved = await use(workspace, '/v1/reservations', body)
    expect(reserved.body).toMatchObject({ allowed: true, reservation: 'r', granted: [500], replayed: false })
    const { body: same } = await use(workspace, '/v1/reservations', body)
    const { remainingMs } = same
    expect(same).toEqual({ ...reserved.body, replayed: true, held: true, remainingMs })
    expect([0 < Number(remainingMs), Number(remainingMs) <= 60_000]).toEqual([true, true])
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ used: 0, remaining: 250 })
    const resolve = (path: string, more: object = {}): Promise<Answer> =>
      use(workspace, `/v1/reservations/${path}`, more)
    expect(await resolve('r/commit', { quantities: [501] })).toMatchObject({
      status: 400,
      body: { field: 'quantities' },
    })
    expect(await resolve('r/commit', { quantities: [1, 1] })).toMatchObject({ status: 400 })
    const commit = await resolve('r/commit', { quantities: [120] })
    expect(commit.body).toMatchObject({ quantities: [120], eventIds: ['c~r~0'], replayed: false })
    expect((await resolve('r/commit', { quantities: [120] })).body).toEqual({
      ...commit.body,
      replayed: true,
    })
    const { body: again } = await use(workspace, '/v1/reservations', body)
    const { expiresAt } = again
    const over = { replayed: true, held: false, remainingMs: null, expiresAt }
    expect(again, 'asked again').toEqual({ ...reserved.body, ...over })
    expect(Date.parse(String(expiresAt)), 'nothing is held any more').toBeLessThanOrEqual(Date.now())
    expect(await resolve('r/commit')).toMatchObject({ status: 409, body: { code: 'already_resolved' } })
    expect(await resolve('r/release')).toMatchObject({ status: 409, body: { code: 'already_resolved' } })
    expect(await workspace.check({ feature: 'ai_credits', after: 'c~r~0' })).toMatchObject({
      used: 120,
      remaining: 630,
    })
    expect(await resolve('nothing/commit')).toMatchObject({ status: 409, body: { code: 'expired' } })
    expect((await use(workspace, '/v1/reservations', { ...body, id: 'q' })).body['allowed']).toBe(true)
    expect((await resolve('q/release')).status).toBe(200)
    expect((await resolve('q/release')).status).toBe(200)
    expect(await resolve('q/commit')).toMatchObject({ status: 409, body: { code: 'already_resolved' } })
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ used: 120, remaining: 630 })
  })

  test('G10: what expires is given back within TTL + 5 s, and a late commit is told so', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    await use(workspace, '/v1/reservations', { id: 'late', items: [credits(700)], ttlMs: 300 })
    const startedAt = performance.now()
    await eventually(
      () => workspace.check({ feature: 'ai_credits', quantity: 700 }),
      ({ allowed }) => allowed,
      { what: 'the hold to be given back', withinMs: 6_000 },
    )
    expect(performance.now() - startedAt).toBeLessThan(5_300)
    const late = await use(workspace, '/v1/reservations/late/commit', {})
    expect(late).toMatchObject({ status: 409, body: { code: 'expired' } })
  })

  test("the product's own event settles the hold that it names; then a commit is refused", async () => {
    const workspace = await workspaceWith({ seats: 1 })
    await use(workspace, '/v1/reservations', { id: 'own', items: [credits(700)], ttlMs: 60_000 })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 40, reservation: 'own' })
    await eventually(
      () => workspace.check({ feature: 'ai_credits' }),
      ({ used, remaining }) => used === 40 && remaining === 710,
      { what: 'the event to settle the hold' },
    )
    expect(await use(workspace, '/v1/reservations/own/commit', {})).toMatchObject({
      status: 409,
      body: { code: 'already_resolved' },
    })
  })

  test('an event that is set aside settles the hold that it names and counts nothing', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    await use(workspace, '/v1/reservations', { id: 'void', items: [credits(700)], ttlMs: 60_000 })
    await workspace.send('MeterEvent', { meter: 'no_such_meter', quantity: 1, reservation: 'void' })
    await eventually(
      () => workspace.check({ feature: 'ai_credits' }),
      ({ used, remaining }) => used === 0 && remaining === 750,
      { what: 'the void event to settle the hold' },
    )
  })
})

describe('POST /v1/events', () => {
  test('writes what counts and names what does not', async () => {
    const workspace = await workspaceWith({ seats: 1 })
    const event = { workspace: workspace.id, occurredAt: new Date().toISOString(), source: 'test' }
    const lead = { record: 'LeadEvent', leadId: 'l', action: 'created', ...event }
    const events = [
      { ...lead, id: 'e1' },
      { ...lead, id: 'e2', quantity: 3 },
      { ...lead, id: 'e3', source: 'tallygate' },
      { ...lead, id: 'e4', occurredAt: new Date(Date.now() - 72 * HOUR_MS).toISOString() },
      { ...lead, id: 'e5', action: 'stolen' },
      { record: 'MeterEvent', id: 'e6', meter: 'none', quantity: 1, ...event },
      { ...lead, id: 'e7', occurredAt: '2026-02-31T00:00:00Z' },
    ]
    const response = await workspace.post('/v1/events', { events })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      accepted: 2,
      refused: 5,
      results: [
        { id: 'e1', accepted: true },
        { id: 'e2', accepted: true },
        { id: 'e3', accepted: false, code: 'invalid_field' },
        { id: 'e4', accepted: false, code: 'too_late' },
        { id: 'e5', accepted: false, code: 'invalid_field' },
        { id: 'e6', accepted: false, code: 'unknown_meter' },
        { id: 'e7', code: 'invalid_field', reason: expect.stringContaining('a time that does not exist') },
      ],
    })
    await eventually(
      () => workspace.check({ feature: 'leads' }),
      ({ used }) => used === 4,
      { what: 'the events to be counted' },
    )
  })

  test('G21: an event of a workspace that the key may not touch is answered as if it did not exist', async () => {
    const key = await system.createKey({ scopes: ['events:write'], workspaces: ['somebody'] })
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const events = [{ record: 'LeadEvent', id: 'e', workspace: 'somebody-else' }]
    const response = await fetch(`${system.api}/v1/events`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ events }),
    })
    expect(response.status).toBe(404)
  })
})
