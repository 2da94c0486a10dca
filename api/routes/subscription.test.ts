import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterAll, expect, test } from 'vitest'
import type { ApiKey } from '#core/api-key.ts'
import type { Order, SubscriptionEvent } from '#core/subscription/subscription.ts'
import { apiMetrics } from '#drivers/metrics.ts'
import { defaultCatalogue, START, subscriptionWith } from '#test/helpers/facts.ts'
import { createApp } from '../app.ts'
import type { ApiContext } from '../context.ts'

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

const absent = (): never => {
  throw new Error('these routes read versions only')
}
const catalogue = defaultCatalogue()
const key: ApiKey = {
  id: 'AAAAAAAA',
  label: 'test',
  scopes: ['usage:read'],
  workspaces: '*',
  createdAt: START,
  expiresAt: null,
}
const context: ApiContext = {
  check: {
    counters: { read: absent },
    facts: { current: absent, load: absent, refresh: absent, remembered: absent },
    catalogue: { load: absent, remembered: () => catalogue },
    now: () => START + 1,
    lastKnown: { get: absent, set: absent },
  },
  authenticate: async () => key,
  versions: async (workspace) => (workspace === 'acme' ? versions : []),
  catalogueSource: absent,
  catalogueRevisions: absent,
  metrics: apiMetrics(new Registry()),
  health: {},
}
const app = await createApp(context, pino({ level: 'silent' }))
afterAll(() => app.close())

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { authorization: 'Bearer key' }
  const response = await app.inject({ url: `/v1/workspaces/${path}`, headers })
  return { status: response.statusCode, body: response.json() }
}

/** Every entry of a paged list, following the cursor to its end, and how many pages that took. */
async function readAll(
  path: string,
  list: string,
): Promise<{ entries: Record<string, unknown>[]; pages: number }> {
  const entries: Record<string, unknown>[] = []
  let cursor: unknown = null
  let pages = 0
  do {
    const { status, body } = await get(cursor === null ? path : `${path}?cursor=${String(cursor)}`)
    expect(status).toBe(200)
    entries.push(...(body[list] as Record<string, unknown>[]))
    cursor = body['cursor']
    pages += 1
  } while (cursor !== null && pages < 10)
  return { entries, pages }
}

const newestFirst = Array.from({ length: COUNT }, (_, index) => COUNT - index)

test('S10: orders are read page by page, newest first, each once', async () => {
  const { entries, pages } = await readAll('acme/orders', 'orders')
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
  const { entries } = await readAll('acme/orders', 'orders')
  const refused = entries.filter((order) => order['refused'] !== null)
  expect(refused).toMatchObject([{ orderId: 'o3', refused: expect.stringContaining('pix in USD') }])
})

test('the cursor of the subscription history was refused as no number: it is read, and leads to the first version', async () => {
  const { entries, pages } = await readAll('acme/subscription', 'history')
  expect(entries.map(({ version }) => version)).toEqual(newestFirst)
  expect(pages).toBe(3)
})

test('the history says what each version left in force, which order it carried and what was refused', async () => {
  const { entries } = await readAll('acme/subscription', 'history')
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

test('a workspace that nobody has named has no orders to page through: 404', async () => {
  expect(await get('nobody/orders')).toMatchObject({ status: 404, body: { code: 'not_found' } })
})
