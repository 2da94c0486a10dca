import { expect, test } from 'vitest'
import { DAY_MS, MINUTE_MS } from '#core/instant.ts'
import { accessEndOf, accessOf } from '#core/subscription/access.ts'
import type { AcceptedSubscription } from '#core/subscription/subscription.ts'
import { defaultCatalogue, END, renewalWith, START, subscriptionWith } from '#test/helpers/facts.ts'
import { standingOf } from './sentences.js'

/** What the page says of a subscription, as the API presents it. */
function said(change: Partial<AcceptedSubscription>, now: number): string {
  const subscription = subscriptionWith(change)
  const rules = defaultCatalogue()
  const iso = (instant: number): string => new Date(instant).toISOString()
  return standingOf(
    {
      status: subscription.status,
      access: accessOf(subscription, now, rules),
      periodEnd: iso(subscription.periodEnd),
      accessEndsAt: iso(accessEndOf(subscription, rules)),
    },
    now,
  )
}

test('ops page, S1: a first purchase that is not paid grants nothing, whatever its period is', () => {
  expect(said({ status: 'payment_pending' }, END - 179 * DAY_MS)).toBe(
    'nothing is granted before the first payment',
  )
})

test('ops page: every state of access is told apart', () => {
  expect(said({}, END - 4 * DAY_MS)).toBe('access ends in 4 d')
  expect(said({}, END + DAY_MS)).toBe('access ended 1 d ago')
  expect(said({ status: 'trialing' }, START)).toBe('trial ends in 183 d')
  expect(said({ status: 'trialing' }, END + DAY_MS)).toBe('trial ended 1 d ago')
  expect(said({ status: 'canceled', occurredAt: END - 4 * DAY_MS }, END - DAY_MS)).toBe(
    'canceled, access ended 3 d ago',
  )
})

test('ops page, S1: a renewal that was tried keeps access for its window, which is said', () => {
  const openOrder = renewalWith()
  expect(said({ openOrder }, END - MINUTE_MS)).toBe('access ends in 11 min')
  expect(said({ openOrder }, END)).toBe('a payment was tried, access ends in 10 min without it')
  expect(said({ openOrder }, END + 11 * MINUTE_MS)).toBe('access ended 1 min ago')
})
