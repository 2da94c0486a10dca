import { expect, test } from 'vitest'
import { END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { BoughtAddOn, Order, SubscriptionEvent } from './subscription.ts'
import { faultOfSubscriptionEvent } from './validate-event.ts'

const FAR = 8.7e15
const addOn: BoughtAddOn = { key: 'ai_credits_5000', quantity: 1, from: START, until: END }
const order = {
  orderId: 'o',
  kind: 'renewal',
  status: 'pending',
  method: 'card',
  installments: 1,
  amountMinor: 1,
}
const placed = { ...order, currency: 'USD', placedAt: START, paidAt: null, attempt: null } as Order
const event = {
  id: 'e',
  workspace: 'acme',
  version: 1,
  occurredAt: START,
  type: 'changed',
  actor: 'customer',
  subscription: subscriptionWith({ addOns: [addOn] }),
  order: placed,
} as SubscriptionEvent

function reasonOf(
  is: Partial<SubscriptionEvent['subscription']>,
  of: Partial<SubscriptionEvent> = {},
): string | null {
  const changed = { ...event, ...of, subscription: { ...event.subscription, ...is } }
  return faultOfSubscriptionEvent(changed, 'acme')?.reason ?? null
}

test('an event within all bounds has no fault', () => {
  expect(reasonOf({})).toBe(null)
})

test.for<[string, Parameters<typeof reasonOf>]>([
  ['periodStart', [{ periodEnd: FAR }]],
  ['periodStart', [{ periodStart: -9e15 }]],
  ['planSince', [{ planSince: FAR }]],
  ['termMonths', [{ termMonths: 4_000_000 }]],
  ['addOns', [{ addOns: [{ ...addOn, until: FAR }] }]],
  ['addOns', [{ addOns: [{ ...addOn, quantity: 2_000_000_000 }] }]],
  ['addOns must be 200', [{ addOns: Array.from({ length: 201 }, () => addOn) }]],
  ['occurredAt', [{}, { occurredAt: FAR }]],
  ['placedAt', [{}, { order: { ...placed, placedAt: FAR } }]],
  ['paidAt', [{}, { order: { ...placed, paidAt: FAR } }]],
  ['attempt', [{}, { order: { ...placed, attempt: { state: 'failed', at: FAR, reason: null } } }]],
])('what dates and lists cannot be reckoned with is refused by field: %s', ([field, given]) => {
  expect(reasonOf(...given)).toContain(field)
})
