import { describe, expect, test } from 'vitest'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import { type AccessRules, accessEndOf, accessOf } from './access.ts'
import type { AcceptedSubscription, Order, OrderKind } from './subscription.ts'

const rules: AccessRules = { processingWindowMinutes: 15 }
const START = Date.parse('2026-06-10T09:00:00.000Z')
const END = Date.parse('2026-12-10T09:00:00.000Z')
const WINDOW_MS = 15 * MINUTE_MS

/** An order whose only attempt to pay began at `at`; null = nobody tried yet. */
function order(at: number | null, kind: OrderKind = 'renewal', state = 'processing'): Order {
  return {
    orderId: 'o2',
    kind,
    status: 'pending',
    amountMinor: 1_000,
    currency: 'USD',
    method: 'card',
    installments: 1,
    placedAt: END - 3 * DAY_MS,
    paidAt: null,
    attempt: at === null ? null : { state, at, reason: null },
  }
}

function subscription(change: Partial<AcceptedSubscription> = {}): AcceptedSubscription {
  return {
    subscriptionId: 's1',
    status: 'active',
    plan: 'advanced',
    planSince: START,
    seats: 3,
    termMonths: 6,
    periodStart: START,
    periodEnd: END,
    anchorDay: 10,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: START,
    openOrder: null,
    windowStartsAt: null,
    ...change,
  }
}

/** Access in the last millisecond before an instant, and at it. */
function around(subject: AcceptedSubscription, instant: number): readonly string[] {
  return [accessOf(subject, instant - 1, rules), accessOf(subject, instant, rules)]
}

describe('S1: a payment that was begun in time keeps access for the processing window', () => {
  test.for([
    ['renewal', 1],
    ['renewal', WINDOW_MS - 1],
    ['extension', 5 * MINUTE_MS],
  ] as const)(
    'an attempt at a %s begun %i ms before the end: 15 minutes from the attempt',
    ([kind, early]) => {
      const subject = subscription({ openOrder: order(END - early, kind) })
      expect(accessEndOf(subject, rules)).toBe(END - early + WINDOW_MS)
      expect(around(subject, END - early + WINDOW_MS)).toEqual(['active', 'lapsed'])
    },
  )
  test.for([WINDOW_MS, WINDOW_MS + 1, 3 * DAY_MS])(
    'an attempt begun %i ms before the end never shortens the paid period',
    (early) => {
      expect(around(subscription({ openOrder: order(END - early) }), END)).toEqual(['active', 'lapsed'])
    },
  )
  test.for([0, 1, 5 * MINUTE_MS])('an attempt begun %i ms after the end opens no window', (late) => {
    expect(accessEndOf(subscription({ openOrder: order(END + late) }), rules)).toBe(END)
  })
  test('an order that nobody tried to pay opens no window', () => {
    expect(accessEndOf(subscription({ openOrder: order(null) }), rules)).toBe(END)
  })
  test.for(['purchase', 'upgrade', 'seats', 'add_on'] as const)(
    'an open %s order opens no window',
    (kind) => {
      expect(accessEndOf(subscription({ openOrder: order(END - 1, kind) }), rules)).toBe(END)
    },
  )
  test('the length of the window is the catalogue’s', () => {
    const subject = subscription({ openOrder: order(END - 1) })
    expect(accessEndOf(subject, { processingWindowMinutes: 60 })).toBe(END - 1 + 60 * MINUTE_MS)
    expect(accessEndOf(subject, { processingWindowMinutes: 0 })).toBe(END)
  })
  test('a first purchase grants nothing until it is paid', () => {
    const unpaid = subscription({ status: 'payment_pending', openOrder: order(START, 'purchase') })
    expect(around(unpaid, END)).toEqual(['pending', 'pending'])
    expect(accessOf(unpaid, START, rules)).toBe('pending')
  })
})

describe('S8: access holds until the end of the paid period, to the millisecond', () => {
  test.for([
    ['active', {}],
    ['active, a cancel scheduled', { cancelAtPeriodEnd: true }],
    ['active, no renewal', { autoRenew: false }],
    ['trialing', { status: 'trialing' }],
    ['expired too early', { status: 'expired', occurredAt: END - DAY_MS }],
  ] as const)('%s: active until the last millisecond, lapsed at the end', ([, change]) => {
    expect(around(subscription(change), END)).toEqual(['active', 'lapsed'])
  })
  test('S1: neither a scheduled cancel nor a trial has a processing window', () => {
    const openOrder = order(END - 1)
    expect(accessEndOf(subscription({ openOrder, cancelAtPeriodEnd: true }), rules)).toBe(END)
    expect(accessEndOf(subscription({ openOrder, status: 'trialing' }), rules)).toBe(END)
  })
  test('access never tests the beginning of the period', () => {
    expect(accessOf(subscription(), START - DAY_MS, rules)).toBe('active')
  })
})

describe('S9: a cancel by support or a refund ends access when it happened', () => {
  test('at its own time, also with an attempt under way', () => {
    const canceledAt = END - DAY_MS
    const canceled = subscription({ status: 'canceled', occurredAt: canceledAt, openOrder: order(END - 1) })
    expect(around(canceled, canceledAt)).toEqual(['active', 'lapsed'])
  })
  test('one that comes after the period revives nothing', () => {
    const canceled = subscription({ status: 'canceled', occurredAt: END + DAY_MS })
    expect(around(canceled, END)).toEqual(['active', 'lapsed'])
  })
})

describe('S12: a failed payment never ends access by itself', () => {
  test('an attempt that failed keeps the window that it opened', () => {
    const failed = subscription({ openOrder: order(END - MINUTE_MS, 'renewal', 'failed') })
    expect(accessEndOf(failed, rules)).toBe(END + 14 * MINUTE_MS)
  })
  test('a failure in the middle of the period changes nothing', () => {
    const failed = subscription({ openOrder: order(START + DAY_MS, 'renewal', 'failed') })
    expect(around(failed, END)).toEqual(['active', 'lapsed'])
  })
})

describe('S16: an inactive subscription restricts, a payment restores', () => {
  test('a workspace without a subscription has no access to lose', () => {
    expect(accessOf(null, END, rules)).toBe('none')
  })
  test('lapsed at the end, active on the first decision after the period was paid on', () => {
    const now = END + DAY_MS
    expect(accessOf(subscription({ openOrder: order(END + 1) }), now, rules)).toBe('lapsed')
    expect(accessOf(subscription({ periodEnd: END + 180 * DAY_MS, occurredAt: now }), now, rules)).toBe(
      'active',
    )
  })
})
