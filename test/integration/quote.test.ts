import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Two months and 15 of 30 days before the end of the period. */
const AT = '2036-09-25T09:00:00.000Z'
const PERIOD_END = Date.parse('2036-12-10T09:00:00Z')

let system: System
let workspace: TestWorkspace
beforeAll(async () => {
  system = await sharedSystem()
  workspace = new TestWorkspace(system)
  const order = {
    orderId: 'o1',
    kind: 'purchase',
    status: 'paid',
    amountMinor: 32_400,
    currency: 'USD',
    method: 'card',
    installments: 1,
    placedAt: Date.now() - 1_000,
    paidAt: Date.now(),
    attempt: null,
  }
  await workspace.subscribe({ seats: 2, termMonths: 12, periodEnd: PERIOD_END }, { order })
})
afterAll(() => system.stop())

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function quote(wish: Readonly<Record<string, unknown>>, of = workspace.id): Promise<Answer> {
  const response = await workspace.post('/v1/quote', { workspace: of, ...wish })
  return { status: response.status, body: Object(await response.json()) }
}

test('S4, S5, S6: an upgrade with a seat in mid-term, at the discount of the 12 months that run', async () => {
  const { status, body } = await quote({ plan: 'advanced', seats: 3, at: AT })
  const until = '2036-12-10T09:00:00.000Z'
  const shared = { item: 'advanced', months: 2, discountPercent: 10, from: AT, until }
  const partOfMonth = { ms: 1_296_000_000, ofMs: 2_592_000_000 }
  expect({ status, body }).toMatchObject({
    status: 200,
    body: {
      workspace: workspace.id,
      currency: 'USD',
      payment: { methods: ['card', 'paypal'], installments: [], autoRenewOff: [] },
      plan: 'advanced',
      seats: 3,
      periodEnd: until,
      lines: [
        { kind: 'upgrade', quantity: 2, unitMinor: 1_000, amountMinor: 4_500, partOfMonth, ...shared },
        { kind: 'seats', quantity: 1, unitMinor: 2_500, amountMinor: 5_625, partOfMonth, ...shared },
      ],
      totalMinor: 10_125,
      catalogueRevision: 1,
      at: AT,
    },
  })
  const limits = body['limits'] as Readonly<Record<string, unknown>>[]
  expect(limits).toHaveLength(13)
  expect(limits.find(({ feature }) => feature === 'leads')).toMatchObject({ limit: 15_000, source: 'plan' })
  expect(limits.find(({ feature }) => feature === 'salesbot')).toMatchObject({ kind: 'switch', on: true })
})

test('S7: a quote changes nothing, and another country pays in its own currency', async () => {
  await quote({ plan: 'enterprise', seats: 9, termMonths: 24 })
  expect((await workspace.check({ feature: 'leads' })).limit).toBe(5_000)
  const brazilian = new TestWorkspace(system)
  const brazil = { country: 'BR', currency: 'BRL', paymentMethod: 'pix' }
  const trial = { plan: 'trial', status: 'trialing', termMonths: 0 }
  await brazilian.subscribe({ ...brazil, ...trial }, { type: 'trial_started' })
  const { body } = await quote({ plan: 'base', seats: 2, addOns: [{ key: 'ai_credits_5000' }] }, brazilian.id)
  expect(body).toMatchObject({
    currency: 'BRL',
    payment: { methods: ['credit_card', 'pix'], autoRenewOff: ['pix'] },
    lines: [
      { kind: 'purchase', months: 6, amountMinor: 90_000 },
      { kind: 'add_on', months: 6, amountMinor: 30_000 },
    ],
    totalMinor: 120_000,
  })
})

test.for<[string, Readonly<Record<string, unknown>>, string, object]>([
  ['an unknown plan', { plan: 'gold' }, 'plan', { known: ['base', 'advanced', 'pro', 'enterprise'] }],
  ['fewer seats', { seats: 1 }, 'seats', { rule: 'seats_need_support' }],
  ['S3: a short term', { termMonths: 5 }, 'termMonths', { rule: 'term_too_short' }],
  ['an unknown add-on', { addOns: [{ key: 'gold' }] }, 'addOns', { known: ['ai_credits_5000'] }],
])('%s: 422 not_for_sale, naming the field', async ([, wish, field, details]) => {
  expect(await quote(wish)).toMatchObject({ status: 422, body: { code: 'not_for_sale', field, ...details } })
})

test.for<[string, Readonly<Record<string, unknown>>, string]>([
  ['no seats', { seats: 0 }, 'seats'],
  ['half a month', { termMonths: 6.5 }, 'termMonths'],
  ['a day that does not exist', { at: '2026-02-30T00:00:00Z' }, 'at'],
  ['an unknown property', { colour: 'red' }, 'colour'],
  ['a pack without a key', { addOns: [{ quantity: 1 }] }, 'addOns.0.key'],
])('%s: 400 invalid_request, naming the field', async ([, wish, field]) => {
  expect(await quote(wish)).toMatchObject({ status: 400, body: { code: 'invalid_request', field } })
})

test('G21: absent and foreign workspaces look alike, and the scope is usage:read', async () => {
  expect(await quote({}, `nobody-${workspace.id}`)).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  })
  const ask = async (key: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ workspace: workspace.id })
    return fetch(`${system.api}/v1/quote`, { method: 'POST', headers, body })
  }
  const foreign = await system.createKey({ workspaces: ['somebody-else'] })
  expect((await ask(foreign)).status).toBe(404)
  expect((await ask(await system.createKey({ scopes: ['check'] }))).status).toBe(403)
  expect((await ask(await system.createKey({ scopes: ['usage:read'] }))).status).toBe(200)
})

test('an override is told by its route and counts in a quote', async () => {
  expect(await (await workspace.get('/overrides')).json()).toEqual({
    workspace: workspace.id,
    overrides: [],
    cursor: null,
  })
  const pilot = new TestWorkspace(system)
  const override = { limit: 77, until: null, reason: 'a pilot' }
  await pilot.override('leads', { limit: 77 })
  await pilot.subscribe({ plan: 'base' })
  expect(await (await pilot.get('/overrides')).json()).toMatchObject({
    overrides: [{ number: 1, feature: 'leads', isInForce: true, override }],
  })
  const quoted = await quote({ plan: 'pro' }, pilot.id)
  expect(quoted.body['limits']).toContainEqual(
    expect.objectContaining({ feature: 'leads', limit: 77, source: 'override' }),
  )
})

test('S10, S12: orders through the real system: a failed attempt leaves one pending, the newest comes first', async () => {
  const attempt = { state: 'failed', at: Date.now(), reason: 'card declined' }
  const order = {
    orderId: 'o2',
    kind: 'renewal',
    status: 'pending',
    amountMinor: 32_400,
    currency: 'USD',
    method: 'paypal',
    installments: 1,
    placedAt: Date.now(),
    paidAt: null,
    attempt,
  }
  await workspace.subscribe({}, { type: 'payment_failed', order })
  const response = await workspace.get('/orders')
  expect(await response.json()).toMatchObject({
    orders: [
      { orderId: 'o2', status: 'pending', attempt: { state: 'failed', reason: 'card declined' } },
      { orderId: 'o1', status: 'paid', amountMinor: 32_400, refused: null },
    ],
    cursor: null,
  })
  expect((await workspace.check({ feature: 'leads' })).allowed).toBe(true)
})
