import { afterAll, beforeAll, expect } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { attempt, inForce, order, ordersOf, readRoute } from '#test/helpers/acceptance.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import { describe, test } from '#test/helpers/side-by-side.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

const PERIOD_END = Date.parse('2036-12-10T09:00:00Z')
const BRAZIL = { country: 'BR', currency: 'BRL', paymentMethod: 'pix' }

type Fields = Readonly<Record<string, unknown>>

async function bought(change: Fields = {}, event: Fields = {}): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ periodEnd: PERIOD_END, ...change }, event)
  return workspace
}

async function quoted(workspace: TestWorkspace, wish: Fields): Promise<Fields> {
  const response = await workspace.post('/v1/quote', { workspace: workspace.id, ...wish })
  return { status: response.status, ...Object(await response.json()) }
}

test.for([
  [6, '0 %', 18_000],
  [9, '5 %', 25_650],
  [12, '10 %', 32_400],
  [24, '15 %', 61_200],
  [18, '0 %', 54_000],
] as const)(
  'S4: two seats of base for %i months have %s off: %i cents',
  async ([termMonths, discount, totalMinor]) => {
    const workspace = await bought(
      { plan: 'trial', status: 'trialing', termMonths: 0 },
      { type: 'trial_started' },
    )
    const quote = await quoted(workspace, { plan: 'base', seats: 2, termMonths })
    const line = {
      kind: 'purchase',
      months: termMonths,
      discountPercent: Number.parseInt(discount, 10),
      amountMinor: totalMinor,
    }
    expect(quote).toMatchObject({ status: 200, currency: 'USD', lines: [line], totalMinor })
  },
)

test('S3: less than 6 months is not for sale, and the answer names the rule', async () => {
  const quote = await quoted(await bought(), { termMonths: 5 })
  expect(quote).toMatchObject({ status: 422, code: 'not_for_sale', rule: 'term_too_short' })
})

test('S15, S5: a lower plan is not for sale in a running term; a higher one costs the difference', async () => {
  const workspace = await bought({ plan: 'advanced' })
  const at = '2036-10-10T09:00:00.000Z'
  expect(await quoted(workspace, { plan: 'base', at })).toMatchObject({ rule: 'downgrade_needs_support' })
  expect(await quoted(workspace, { plan: 'pro', at })).toMatchObject({ totalMinor: 2 * 2_000 })
})

test.for([
  ['2036-10-10T09:00:00.000Z', 2, null, 3_000],
  ['2036-11-25T09:00:00.000Z', 0, { ms: 15 * DAY_MS, ofMs: 30 * DAY_MS }, 750],
  ['2036-10-25T21:00:00.000Z', 1, { ms: 15.5 * DAY_MS, ofMs: 31 * DAY_MS }, 2_250],
] as const)(
  'S6: a seat at %s costs %i whole months and the share of one: %j = %i cents',
  async ([at, months, partOfMonth, totalMinor]) => {
    const quote = await quoted(await bought(), { seats: 2, at })
    expect(quote).toMatchObject({ lines: [{ kind: 'seats', quantity: 1, months, partOfMonth }], totalMinor })
  },
)

describe('S7: who pays how', () => {
  test('S7: Brazil in reais by credit card or Pix, by installments with the card alone', async () => {
    const { payment, currency } = await quoted(await bought({ ...BRAZIL }), { seats: 2 })
    const ways = { methods: ['credit_card', 'pix'], installments: ['credit_card'], autoRenewOff: ['pix'] }
    expect({ payment, currency }).toEqual({ payment: ways, currency: 'BRL' })
  })
  test('S7: elsewhere in dollars by card or PayPal', async () => {
    const { payment, currency } = await quoted(await bought({ country: 'DE' }), { seats: 2 })
    const ways = { methods: ['card', 'paypal'], installments: [], autoRenewOff: [] }
    expect({ payment, currency }).toEqual({ payment: ways, currency: 'USD' })
  })
  test('S7: an order that the table gives is kept, one that it does not is kept as refused, country by country', async () => {
    const ways = [
      { orderId: 'a', currency: 'BRL', method: 'credit_card', installments: 12 },
      { orderId: 'b', currency: 'BRL', method: 'pix' },
      { orderId: 'c', currency: 'BRL', method: 'pix', installments: 2 },
      { orderId: 'd', currency: 'USD', method: 'card' },
    ]
    const workspace = await bought({ ...BRAZIL })
    for (const way of ways) await workspace.subscribe({}, { order: order({ kind: 'seats', ...way }) })
    const kept = (await ordersOf(workspace)).map(({ orderId, refused }) => `${orderId} ${refused === null}`)
    expect(kept.toSorted()).toEqual(['a true', 'b true', 'c false', 'd false'])
  })
  test('S7: a change of country revokes nothing; a partner in any currency by support', async () => {
    const workspace = await bought({}, { order: order({ orderId: 'o1' }) })
    await workspace.subscribe({ ...BRAZIL }, { type: 'corrected', order: order({ orderId: 'o1' }) })
    const partner = { orderId: 'o2', kind: 'seats', method: 'partner', currency: 'EUR' }
    await workspace.subscribe({}, { type: 'corrected', actor: 'support', order: order(partner) })
    expect((await ordersOf(workspace)).map(({ refused }) => refused)).toEqual([null, null])
    expect((await workspace.check({ feature: 'leads' })).allowed).toBe(true)
  })
})

test('S10: pending, paid, failed and refunded orders are all there, newest first, page by page', async () => {
  const workspace = await bought()
  const statuses = ['pending', 'paid', 'failed', 'refunded']
  const placed = Date.now() - 60 * DAY_MS
  for (let index = 0; index < 52; index += 1) {
    const status = statuses[index % 4]
    const one = order({ orderId: `o${index}`, kind: 'seats', status, placedAt: placed + index })
    await workspace.subscribe({}, { type: 'seats_changed', actor: 'support', order: one })
  }
  const first = await readRoute(workspace, '/orders')
  const second = await readRoute(workspace, `/orders?cursor=${first.cursor}`)
  const all = [...first.orders, ...second.orders]
  expect([first.orders.length, second.orders.length, second.cursor]).toEqual([50, 2, null])
  const expected = Array.from({ length: 52 }, (_, index) => `o${51 - index} ${statuses[(51 - index) % 4]}`)
  expect(all.map(({ orderId, status }) => `${orderId} ${status}`)).toEqual(expected)
}, 120_000)

test('S11: a new paid order replaces the method; one there is may be paid against the table by support alone', async () => {
  const renewing = { orderId: 'o1', kind: 'renewal', status: 'pending' }
  const workspace = await bought()
  await workspace.subscribe({ autoRenew: false }, { type: 'auto_renew_changed', order: order(renewing) })
  expect(await inForce(workspace)).toMatchObject({ autoRenew: false, openOrderId: 'o1', access: 'active' })
  const byPix = { type: 'corrected', order: order({ ...renewing, method: 'pix' }) }
  await workspace.subscribe({}, byPix)
  expect((await ordersOf(workspace))[0]?.['refused']).toContain('pix in USD')
  await workspace.subscribe({}, { ...byPix, actor: 'support' })
  expect((await ordersOf(workspace))[0]).toMatchObject({ method: 'pix', refused: null })
  const next = { orderId: 'o2', kind: 'renewal', method: 'paypal', placedAt: Date.now() + 1 }
  const renewed = { paymentMethod: 'paypal', periodEnd: PERIOD_END + 180 * DAY_MS }
  await workspace.subscribe(renewed, { type: 'renewed', order: order(next) })
  expect(await inForce(workspace)).toMatchObject({ paymentMethod: 'paypal', openOrderId: null })
  expect((await ordersOf(workspace)).map(({ orderId, status }) => `${orderId} ${status}`)).toEqual([
    'o2 paid',
    'o1 pending',
  ])
})

test('S12: a failed payment leaves the order pending; a retry by a new order pays, the old one stays on record', async () => {
  const workspace = await bought()
  const failing = {
    orderId: 'o1',
    kind: 'renewal',
    status: 'pending',
    attempt: attempt('failed', Date.now()),
  }
  await workspace.subscribe({}, { type: 'payment_failed', order: order(failing) })
  expect((await ordersOf(workspace))[0]).toMatchObject({ status: 'pending', attempt: { state: 'failed' } })
  expect(await inForce(workspace)).toMatchObject({ openOrderId: 'o1', access: 'active' })
  const retry = { orderId: 'o2', kind: 'renewal', method: 'paypal', placedAt: Date.now() + 1 }
  await workspace.subscribe({}, { type: 'payment_succeeded', order: order(retry) })
  expect(await inForce(workspace)).toMatchObject({ openOrderId: null })
  expect((await ordersOf(workspace)).map(({ status }) => status)).toEqual(['paid', 'pending'])
})
