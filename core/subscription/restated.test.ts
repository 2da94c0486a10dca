import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS } from '../instant.ts'
import { accessEndOf, accessOf } from './access.ts'
import { foldVersions } from './fold.ts'
import type { AcceptedSubscription, Order } from './subscription.ts'

/** Every version states all that is in force; what it merely repeats changes nothing. */
const rules = defaultCatalogue()

/** What is in force after a purchase of base and some changes, a day apart unless they say when. */
function accepted(...changes: readonly Change[]): AcceptedSubscription {
  const { subscription } = foldVersions(versionsAfter(...changes), () => rules).state
  if (subscription === null) throw new Error('nothing was accepted')
  return subscription
}

describe('canceled', () => {
  const CANCEL: Change = { type: 'refunded', actor: 'support', is: { status: 'canceled' } }

  test('S9: a version that restates a cancel does not move the end to its own time', () => {
    expect(accessEndOf(accepted(CANCEL), rules)).toBe(START + DAY_MS)
    const restated: Change = { type: 'corrected', occurredAt: END - 1 }
    expect(accessEndOf(accepted(CANCEL, restated, restated), rules)).toBe(START + DAY_MS)
  })
  test('S9: expired after a cancel, what was paid beyond it does not come back', () => {
    const expired: Change = { type: 'expired', actor: 'system', is: { status: 'expired' } }
    expect(accepted(CANCEL)).toMatchObject({ periodEnd: END })
    expect(accessEndOf(accepted(CANCEL, expired), rules)).toBe(START + DAY_MS)
    expect(accessOf(accepted(CANCEL, expired), START + 3 * DAY_MS, rules)).toBe('lapsed')
  })
  test('S9: bought anew and canceled again, it ends with the second cancel', () => {
    const bought: Change = { type: 'purchased', is: { status: 'active' } }
    expect(accessEndOf(accepted(CANCEL, bought, CANCEL), rules)).toBe(START + 3 * DAY_MS)
  })
})

describe('payment_pending, stated of what was paid', () => {
  const UNPAID = { status: 'payment_pending' } as const

  test('S12: ends no access, and prolongs none', () => {
    const stated = accepted({ type: 'payment_failed', is: { ...UNPAID, periodEnd: END + DAY_MS } })
    expect([END - 1, END].map((now) => accessOf(stated, now, rules))).toEqual(['active', 'lapsed'])
  })
  test('S12: after the lapse it does not take what the lapse mode leaves', () => {
    const stated = accepted({ type: 'payment_pending', occurredAt: END + 1, is: UNPAID })
    expect(accessOf(stated, END + 2, rules)).toBe('lapsed')
  })
  test('S1: of another subscription, or by support, it is what it says', () => {
    const another: Change = {
      type: 'purchased',
      occurredAt: END + 1,
      is: { ...UNPAID, subscriptionId: 's2' },
    }
    expect(accessOf(accepted(another), END + 2, rules)).toBe('pending')
    expect(accessOf(accepted({ actor: 'support', is: UNPAID }), END - 1, rules)).toBe('pending')
  })
})

describe('the pin of the plan version', () => {
  const CANCELED: Change = {
    type: 'refunded',
    actor: 'support',
    occurredAt: START + DAY_MS,
    is: { status: 'canceled' },
  }
  const BOUGHT_AFTER_CANCEL: Change = {
    type: 'purchased',
    occurredAt: START + 3 * DAY_MS,
    is: { status: 'active' },
  }
  const LATER = START + 30 * DAY_MS
  const NEXT_END = END + 180 * DAY_MS

  test.for<[string, number, Change]>([
    ['a renewal keeps it', START, { type: 'renewed', is: { planSince: LATER, periodEnd: NEXT_END } }],
    ['a renewal after a lapse keeps it', START, { type: 'renewed', occurredAt: END, is: { planSince: END } }],
    ['seats keep it', START, { type: 'seats_changed', is: { planSince: LATER, seats: 9 } }],
    ['a change of plan moves it', LATER, { type: 'upgraded', is: { planSince: LATER, plan: 'pro' } }],
    ['a change of plan that does not say since when', START + DAY_MS, { is: { plan: 'pro' } }],
    ['a purchase after a lapse moves it', END, { type: 'purchased', occurredAt: END }],
    ['a purchase after a cancel moves it', START + 3 * DAY_MS, BOUGHT_AFTER_CANCEL],
    ['support sets it', LATER, { actor: 'support', is: { planSince: LATER } }],
    ['a refused plan keeps it', START, { is: { planSince: LATER, plan: 'trial' } }],
  ])('%s: %i', ([, planSince, change]) => {
    expect(accepted(...(change === BOUGHT_AFTER_CANCEL ? [CANCELED] : []), change).planSince).toBe(planSince)
  })

  test.for(['base', 'trial'])('a purchase out of a trial moves it, of %s too', (plan) => {
    const trial: Change = {
      type: 'trial_started',
      is: { status: 'trialing', plan, planSince: START, subscriptionId: 't' },
    }
    const bought: Change = { type: 'purchased', is: { status: 'active', subscriptionId: 's2' } }
    const [, ...versions] = versionsAfter(trial, { ...bought, is: { ...bought.is, plan: 'base' } })
    expect(foldVersions(versions, () => rules).state.subscription?.planSince).toBe(START + 2 * DAY_MS)
  })

  test.for(['payment_succeeded', 'purchased'])(
    'S7: %s, the order refused, moves it no more than it pays',
    (type) => {
      const order = {
        orderId: 'o2',
        kind: 'purchase',
        status: 'paid',
        method: 'pix',
        currency: 'BRL',
        installments: 1,
        placedAt: END,
      } as Order
      const bought: Change = { type, occurredAt: END + 1, order, is: { planSince: END + 1 } }
      expect(accepted(bought)).toMatchObject({ planSince: START, windowStartsAt: START })
    },
  )
})

describe('S12: the order that waits for payment', () => {
  const order = {
    currency: 'USD',
    method: 'card',
    installments: 1,
    amountMinor: 1,
    placedAt: START,
    paidAt: null,
    attempt: null,
  }
  const seats = { ...order, orderId: 'o3', kind: 'seats', status: 'pending' } as Order

  test.for<[string, string | null, Order['kind'], string]>([
    ['is closed when it is paid', null, 'seats', 'o3'],
    ['stays open when a pack is paid', 'o3', 'add_on', 'o4'],
    ['stays open when the renewal is paid', 'o3', 'renewal', 'o5'],
  ])('%s', ([, open, kind, orderId]) => {
    const paid: Order = { ...seats, orderId, kind, status: 'paid' }
    expect(accepted({ order: seats }, { order: paid }).openOrder?.orderId ?? null).toBe(open)
  })
})

test('S16: the paid order of a purchase begins a flow window after a lapse, whatever the event is called', () => {
  const order = { orderId: 'o2', kind: 'purchase', status: 'paid', method: 'card', currency: 'USD' } as Order
  const bought: Change = {
    type: 'payment_succeeded',
    occurredAt: END + 1,
    order,
    is: { periodEnd: END + DAY_MS },
  }
  expect(accepted(bought)).toMatchObject({ windowStartsAt: END + 1, planSince: END + 1 })
})

describe('S3: an add-on under its minimum term', () => {
  const pack = { key: 'ai_credits_5000', quantity: 1, from: START, until: Date.parse('2026-09-10T09:00:00Z') }
  const short = { ...pack, until: START + DAY_MS }
  const refusals = (...changes: readonly Change[]): readonly string[] => {
    const folded = foldVersions(versionsAfter(...changes), () => rules)
    return [...folded.changes.values()].flatMap(({ refusals }) => refusals.map(({ reason }) => reason))
  }

  test('one that was accepted before keeps its end, and its other fields apply', () => {
    const changes: readonly Change[] = [
      { is: { addOns: [pack] } },
      { is: { addOns: [{ ...short, quantity: 2 }] } },
    ]
    expect(accepted(...changes).addOns).toEqual([{ ...pack, quantity: 2 }])
    expect(refusals(...changes)).toEqual([
      'add-on ai_credits_5000 must run at least 3 months from 2026-06-10T09:00:00.000Z, not until 2026-06-11T09:00:00.000Z; 2026-09-10T09:00:00.000Z stays',
    ])
  })
  test.for<[string, Change, boolean]>([
    ['left out within its minimum term it stays', { is: { seats: 9, addOns: [] } }, true],
    ['left out by support it ends', { actor: 'support', is: { addOns: [] } }, false],
    ['left out after its minimum term it ends', { occurredAt: pack.until + 1, is: { addOns: [] } }, false],
    ['with the plan lapsed it ends', { type: 'purchased', occurredAt: END, is: { addOns: [] } }, false],
  ])('one that was accepted before: %s', ([, change, stays]) => {
    const long = { ...pack, until: END }
    const changes: readonly Change[] = [{ is: { addOns: [long] } }, change]
    expect(accepted(...changes).addOns).toEqual(stays ? [long] : [])
    expect(refusals(...changes)).toEqual(
      stays
        ? [
            'add-on ai_credits_5000 must run at least 3 months from 2026-06-10T09:00:00.000Z and was left out; it stays until 2026-12-10T09:00:00.000Z',
          ]
        : [],
    )
    if (stays) expect(accepted(...changes).seats).toBe(9)
  })
  test.for<[string, Change, number]>([
    ['fewer within the minimum term are refused, all stay', {}, 3],
    ['taken off by support they go', { actor: 'support' }, 1],
    ['after the minimum term they go', { occurredAt: pack.until }, 1],
    ['with the plan lapsed they go', { type: 'purchased', occurredAt: END }, 1],
  ])('units of one that was accepted before: %s', ([, change, quantity]) => {
    const three = { ...pack, until: END + DAY_MS, quantity: 3 }
    const fewer = { is: { seats: 9, addOns: [{ ...three, quantity: 1 }] }, ...change }
    const changes: readonly Change[] = [{ is: { addOns: [three] } }, fewer]
    expect(accepted(...changes)).toMatchObject({ seats: 9, addOns: [{ ...three, quantity }] })
    expect(refusals(...changes)).toEqual(
      quantity === 1
        ? []
        : [
            'add-on ai_credits_5000 must run at least 3 months from 2026-06-10T09:00:00.000Z with all it was bought with; 1 is fewer than 3, 3 stay',
          ],
    )
  })
  test('one that support granted is not refused when it is restated', () => {
    const granted: readonly Change[] = [{ actor: 'support', is: { addOns: [short] } }, { is: { seats: 9 } }]
    expect(accepted(...granted)).toMatchObject({ seats: 9, addOns: [short] })
    expect(refusals(...granted)).toEqual([])
  })
})

describe('S7: an order is judged by where and when it was placed', () => {
  const placed = {
    orderId: 'o2',
    kind: 'renewal',
    status: 'pending',
    currency: 'USD',
    method: 'card',
  } as const
  const order = {
    ...placed,
    installments: 1,
    amountMinor: 1,
    paidAt: null,
    attempt: null,
    placedAt: START + 1,
  }
  const refused = (...changes: readonly Change[]): string | null | undefined =>
    foldVersions(versionsAfter(...changes), () => rules).state.orders['o2']?.refused
  const BRAZIL = { country: 'BR' }

  test('one that is first heard of after the country changed is judged by the country it was placed from', () => {
    expect(refused({ is: BRAZIL }, { order })).toBeNull()
    expect(refused({ is: BRAZIL }, { order: { ...order, placedAt: START + DAY_MS } })).toMatch(/from BR/)
  })
  test('one that comes with the change of country may be paid as there', () => {
    expect(refused({ is: BRAZIL, order: { ...order, currency: 'BRL', method: 'pix' } })).toBeNull()
  })
  test('one that is paid another way by the customer is judged anew, by support it is not', () => {
    expect(refused({ order }, { order: { ...order, method: 'pix' } })).toMatch(/pix in USD/)
    expect(refused({ order }, { actor: 'support', order: { ...order, method: 'pix' } })).toBeNull()
    const partner = { ...order, method: 'partner' }
    expect(
      refused({ actor: 'support', order: partner }, { order: { ...partner, status: 'paid' } }),
    ).toBeNull()
  })
})

describe('a trial, and an order that support refunded', () => {
  const codesOf = (...changes: readonly Change[]): readonly string[] =>
    [...foldVersions(versionsAfter(...changes), () => rules).changes.values()].flatMap(({ refusals }) =>
      refusals.map(({ code }) => code),
    )
  const trial: Change = {
    type: 'trial_started',
    actor: 'support',
    is: { status: 'trialing', plan: 'trial', termMonths: 0 },
  }

  test('S2: a trial that has ended begins no more under its own name; to restate it is fine', () => {
    const later: Change = { type: 'trial_started', occurredAt: END + DAY_MS }
    const again = { periodStart: END + DAY_MS, periodEnd: END + 15 * DAY_MS }
    expect(codesOf(trial, { ...later, is: again })).toEqual(['trial_repeated'])
    expect(codesOf(trial, later)).toEqual([])
  })
  test('S9: the refunded order may be restated by whoever changes something else', () => {
    const order: Order = {
      orderId: 'o1',
      kind: 'seats',
      status: 'refunded',
      amountMinor: 100,
      currency: 'USD',
      method: 'card',
      installments: 1,
      placedAt: START,
      paidAt: START,
      attempt: null,
    }
    const refund: Change = { type: 'refunded', actor: 'support', order }
    const seats: Change = { type: 'seats_changed', order, is: { seats: 5 } }
    expect([codesOf(refund, seats), accepted(refund, seats).seats]).toEqual([[], 5])
    expect(codesOf(seats)).toEqual(['refund_needs_support'])
  })
})
