import { afterAll, expect, test } from 'vitest'
import type { Order, SubscriptionEvent } from '#core/subscription/subscription.ts'
import { appWith, getFrom, readPages } from '#test/helpers/app.ts'
import { checkOfSeen } from '#test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '#test/helpers/facts.ts'

const COUNT = 120

/** A version a minute that adds a seat and carries an order of its own, in a shuffled order of arrival. */
const versions = Array.from({ length: COUNT }, (_, index): SubscriptionEvent => {
  const version = ((index * 7) % COUNT) + 1
  const at = START + version * 60_000
  const order: Order = {
    orderId: `o${version}`,
    kind: 'seats',
    status: 'paid',
    amountMinor: 1_500,
    currency: 'USD',
    method: version === 3 ? 'pix' : 'card',
    installments: 1,
    placedAt: at,
    paidAt: at + 1,
    attempt: { state: 'succeeded', at, reason: null },
  }
  const subscription = subscriptionWith({ seats: version + 1 })
  const envelope = { id: `v${version}`, workspace: 'acme', version, occurredAt: at, type: 'seats_changed' }
  return { ...envelope, actor: 'customer', subscription, order }
})

const app = await appWith({
  now: START + 1,
  check: checkOfSeen(['counted'], { now: START + 1, catalogue: defaultCatalogue() }),
  versions: async (workspace) => (workspace === 'acme' ? versions : []),
})
afterAll(() => app.close())

const readAll = (path: string, list: string): ReturnType<typeof readPages> =>
  readPages(app, { url: `/v1/workspaces/acme/${path}`, list })
const get = (path: string): ReturnType<typeof getFrom> => getFrom(app, `/v1/workspaces/${path}`)

const newestFirst = Array.from({ length: COUNT }, (_, index) => COUNT - index)

test('S10: orders are read page by page, newest first, each once', async () => {
  const { entries, pages } = await readAll('orders', 'orders')
  expect(entries.map(({ orderId }) => orderId)).toEqual(newestFirst.map((version) => `o${version}`))
  expect(pages).toBe(3)
  expect(entries[0]).toEqual({
    orderId: 'o120',
    kind: 'seats',
    status: 'paid',
    amountMinor: 1_500,
    currency: 'USD',
    method: 'card',
    installments: 1,
    placedAt: '2026-06-10T11:00:00.000Z',
    paidAt: '2026-06-10T11:00:00.001Z',
    attempt: { state: 'succeeded', at: '2026-06-10T11:00:00.000Z', reason: null },
    refused: null,
  })
})

test('S7: an order that was refused stays in the history with the reason', async () => {
  const { entries } = await readAll('orders', 'orders')
  const refused = entries.filter((order) => order['refused'] !== null)
  expect(refused).toMatchObject([{ orderId: 'o3', refused: expect.stringContaining('pix in USD') }])
})

test('the cursor of the subscription history was refused as no number: it is read, and leads to the first version', async () => {
  const { entries, pages } = await readAll('subscription', 'history')
  expect(entries.map(({ version }) => version)).toEqual(newestFirst)
  expect(pages).toBe(3)
})

test('the history says what each version left in force, which order it carried and what was refused', async () => {
  const { entries } = await readAll('subscription', 'history')
  expect(entries.at(-3)).toMatchObject({
    version: 3,
    type: 'seats_changed',
    orderId: 'o3',
    inForce: { plan: 'base', seats: 4, termMonths: 6, periodEnd: '2026-12-10T09:00:00.000Z' },
    refusals: [{ code: 'payment_not_allowed' }],
  })
})

test.for([
  'acme/orders?cursor=nothing',
  'acme/orders?cursor=%7B',
  'acme/subscription?cursor=0',
  'acme/subscription?cursor=x',
])('%s: 400, naming the cursor', async (path) => {
  const { status, body } = await get(path)
  expect({ status, code: body['code'], field: body['field'] }).toEqual({
    status: 400,
    code: 'invalid_request',
    field: 'cursor',
  })
})

test('a workspace of which there is use alone has no subscription and no orders; it was not found', async () => {
  expect(await get('counted/subscription')).toMatchObject({
    status: 200,
    body: { current: null, history: [], cursor: null },
  })
  expect(await get('counted/orders')).toMatchObject({ status: 200, body: { orders: [], cursor: null } })
})

test('a workspace that nobody has named has no orders to page through: 404', async () => {
  expect(await get('nobody/orders')).toMatchObject({ status: 404, body: { code: 'not_found' } })
})
