import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { END, renewalWith, START } from '../../test/helpers/facts.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import { foldVersions } from './fold.ts'
import type {
  AcceptedSubscription,
  BoughtAddOn,
  Order,
  Subscription,
  SubscriptionEvent,
} from './subscription.ts'
import { orderKinds, orderStatuses, subscriptionStatuses } from './subscription.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const rules = parsed.catalogue

const paid: Subscription = {
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
}

const renewal = renewalWith()

interface Change extends Partial<Omit<SubscriptionEvent, 'subscription'>> {
  readonly is?: Partial<Subscription>
}

function history(...changes: readonly Change[]): readonly SubscriptionEvent[] {
  let state = paid
  return changes.map(({ is, ...event }, index) => {
    state = { ...state, ...is }
    const version = index + 1
    const occurredAt = START + index * DAY_MS
    const envelope = { id: `v${version}`, workspace: 'acme', version, occurredAt }
    const base = { ...envelope, type: 'corrected', actor: 'customer', order: null } as const
    return { ...base, subscription: state, ...event }
  })
}

const pack: BoughtAddOn = {
  key: 'ai_credits_5000',
  quantity: 1,
  from: START,
  until: Date.parse('2026-09-10T09:00:00Z'),
}
const SHORT = { ...pack, until: pack.until - 1 }
const GOLD = { ...pack, key: 'gold' }

const PURCHASE: Change = { type: 'purchased' }

function refusedBy(...changes: readonly Change[]): readonly string[] {
  const { changes: folded } = foldVersions(history(PURCHASE, ...changes), () => rules)
  return [...folded.values()].flatMap(({ refusals }) => refusals.map(({ code }) => code))
}

function stateAfter(...changes: readonly Change[]): AcceptedSubscription {
  const { subscription } = foldVersions(history(PURCHASE, ...changes), () => rules).state
  if (subscription === null) throw new Error('nothing was accepted')
  return subscription
}

test('G18: any order and repetition of the versions folds to the same state', () => {
  const of = fc.constantFrom
  const order = fc
    .record({ kind: of(...orderKinds), status: of(...orderStatuses), method: of('card', 'pix') })
    .map((one): Order => ({ ...renewal, ...one, orderId: `o-${one.kind}` }))
  const change = fc.record({
    type: of('purchased', 'renewed', 'upgraded', 'seats_changed', 'payment_failed', 'expired', 'refunded'),
    actor: of('customer' as const, 'support' as const, 'system' as const),
    is: fc.record({
      plan: of('base', 'advanced', 'pro', 'gone'),
      seats: fc.integer({ min: 1, max: 9 }),
      termMonths: of(3, 6, 12),
      status: of(...subscriptionStatuses),
      subscriptionId: of('s1', 's2'),
      periodEnd: fc.integer({ min: START, max: END }),
      anchorDay: fc.integer({ min: 1, max: 31 }),
      cancelAtPeriodEnd: fc.boolean(),
      addOns: of([], [pack], [SHORT], [GOLD]),
    }),
    occurredAt: fc.integer({ min: START, max: END + 30 * DAY_MS }),
    order: fc.option(order),
  })
  const shuffled = fc.array(change, { minLength: 1, maxLength: 12 }).chain((changes) => {
    const events = history(...changes)
    const arrivals = fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 })
    return fc.tuple(fc.constant(events), arrivals)
  })
  fc.assert(
    fc.property(shuffled, ([events, arrivals]) => {
      expect(foldVersions(arrivals, () => rules)).toEqual(foldVersions(events, () => rules))
    }),
    { numRuns: 500 },
  )
})

test('G18: a lower version that arrives late is inserted, and what it allows is no longer refused', () => {
  const seats: Change = { is: { seats: 5 } }
  const events = history(PURCHASE, { actor: 'support', is: { plan: 'base' } }, seats)
  const codes = (versions: readonly number[]): readonly (readonly string[])[] => {
    const arrived = versions.flatMap((version) => events[version - 1] ?? [])
    const { changes } = foldVersions(arrived, () => rules)
    return [...changes.values()].map(({ refusals }) => refusals.map(({ code }) => code))
  }
  expect(codes([1, 3])).toEqual([[], ['downgrade_needs_support']])
  expect(codes([1, 3, 2])).toEqual([[], [], []])
})

const PIX: Order = { ...renewal, method: 'pix', currency: 'BRL' }
const PARTNER: Order = { ...renewal, method: 'partner', currency: 'EUR' }
const TRIAL: Change = { type: 'trial_started', is: { status: 'trialing', plan: 'trial', termMonths: 0 } }
const NEXT_END = END + 180 * DAY_MS
const support = { actor: 'support' } as const
const renewed = { type: 'renewed' } as const

const BRAZIL = { country: 'BR' }
const CARD_RATES: Order = { ...PIX, method: 'credit_card', installments: 6 }
const REFUNDED: Order = { ...renewal, status: 'refunded' }
const PAID: Order = { ...renewal, status: 'paid' }
const LOWER = { plan: 'base', periodEnd: NEXT_END }

test.for<[string, string | null, Change]>([
  ['S2: a second subscription', 'second_subscription', { is: { subscriptionId: 's2' } }],
  ['S3: a term below the shortest', 'term_too_short', { ...renewed, is: { termMonths: 5 } }],
  ['S3: a short term that an order paid for', 'term_too_short', { order: PAID, is: { termMonths: 3 } }],
  ['S3: a short term beside paid seats', null, { order: { ...PAID, kind: 'seats' }, is: { termMonths: 3 } }],
  ['S3: the shortest term', null, { ...renewed, is: { termMonths: 6 } }],
  ['S5: a shorter period', 'term_shortened', { is: { periodEnd: END - 1 } }],
  ['S5: a cancel at once by the customer', 'term_shortened', { is: { status: 'canceled' } }],
  ['S5: a longer period, a higher plan', null, { is: { periodEnd: END + 1, plan: 'pro' } }],
  ['S7: Pix outside Brazil', 'payment_not_allowed', { order: PIX }],
  ['S7: Pix in Brazil', null, { is: BRAZIL, order: PIX }],
  ['S7: Pix by installments', 'payment_not_allowed', { is: BRAZIL, order: { ...PIX, installments: 6 } }],
  ['S7: a credit card by installments', null, { is: BRAZIL, order: CARD_RATES }],
  ['S7: a partner by the customer', 'payment_not_allowed', { order: PARTNER }],
  ['S7: a partner by support', null, { ...support, order: PARTNER }],
  ['S9: a refund by the customer', 'refund_needs_support', { type: 'refunded' }],
  ['S9: a refunded order by the customer', 'refund_needs_support', { order: REFUNDED }],
  ['S15: a lower plan', 'downgrade_needs_support', { is: { plan: 'base' } }],
  ['S15: a lower plan at renewal', 'downgrade_needs_support', { ...renewed, is: LOWER }],
  ['S15: a lower plan after a lapse', null, { occurredAt: END, is: LOWER }],
  ['seats_need_support: fewer seats', 'seats_need_support', { is: { seats: 2 } }],
  ['fewer seats with a renewal', null, { ...renewed, is: { seats: 2, periodEnd: NEXT_END } }],
  ['unknown_plan', 'unknown_plan', { is: { plan: 'constructor' } }],
  ['unknown_plan: by support too', 'unknown_plan', { ...support, is: { plan: 'gold' } }],
  ['unknown_add_on: by support too', 'unknown_add_on', { ...support, is: { addOns: [GOLD] } }],
  ['an add-on for its minimum term', null, { is: { addOns: [pack] } }],
  ['term_too_short: an add-on under it', 'term_too_short', { is: { addOns: [SHORT] } }],
])('%s: %s', ([, code, change]) => {
  expect(refusedBy(change)).toEqual(code === null ? [] : [code])
})

describe('what a refusal leaves in force', () => {
  test('S2, unknown_plan, unknown_add_on: nothing of the event applies', () => {
    for (const is of [{ subscriptionId: 's2' }, { plan: 'gold' }, { addOns: [GOLD] }]) {
      expect(stateAfter({ is: { seats: 9, ...is } })).toMatchObject({ version: 1, seats: 3 })
    }
  })
  test('S2: a trial is replaced by a purchase, which begins a flow window', () => {
    const is = { subscriptionId: 's2', status: 'active', plan: 'base', termMonths: 6 } as const
    const { state, changes } = foldVersions(history(TRIAL, { ...PURCHASE, is }), () => rules)
    expect(state.subscription).toMatchObject({ subscriptionId: 's2', plan: 'base' })
    expect(changes.get(2)).toMatchObject({ refusals: [], windowStart: START + DAY_MS })
  })
  test('trial_repeated: one trial a workspace, though the first may change', () => {
    const repeated = (is: Partial<Subscription>): unknown =>
      foldVersions(history(TRIAL, { ...TRIAL, is }), () => rules).changes.get(2)?.refusals
    expect(repeated({ subscriptionId: 's2' })).toMatchObject([{ code: 'trial_repeated' }])
    expect(repeated({ periodEnd: END + DAY_MS })).toEqual([])
  })
  test('S7: a refused order pays for nothing and stays on record; the rest applies', () => {
    const { state } = foldVersions(history(PURCHASE, { order: PIX, is: { seats: 4 } }), () => rules)
    expect(state.subscription).toMatchObject({ openOrder: null, seats: 4 })
    expect(state.orders['o2']?.refused).toContain('pix in BRL')
  })
  test('S7: an order is judged once: a later change of country does not revoke it', () => {
    expect(refusedBy({ order: renewal }, { is: { country: 'BR' }, order: renewal })).toEqual([])
  })
  test('S9: the refund of an add-on does not end the plan', () => {
    const order: Order = { ...renewal, kind: 'add_on', status: 'refunded' }
    const refund: Change = { type: 'refunded', ...support, order, is: { addOns: [] } }
    expect(refusedBy({ is: { addOns: [pack] } }, refund)).toEqual([])
    expect(stateAfter({ is: { addOns: [pack] } }, refund)).toMatchObject({ status: 'active', addOns: [] })
  })
  test('S15: a paid renewal is not lost because it also carries a lower plan', () => {
    const order: Order = { ...renewal, status: 'paid', paidAt: END - DAY_MS }
    const change: Change = { ...renewed, order, is: { plan: 'base', seats: 2, periodEnd: NEXT_END } }
    expect(refusedBy(change)).toEqual(['downgrade_needs_support'])
    const state = { plan: 'advanced', seats: 2, periodEnd: NEXT_END, openOrder: null }
    expect(stateAfter(change)).toMatchObject(state)
  })
  test('S5, S15: every field is refused on its own, the rest applies', () => {
    const addOns = [pack, SHORT]
    const is = { plan: 'base', seats: 2, periodEnd: END - 1, addOns, autoRenew: false }
    const codes = 'downgrade_needs_support seats_need_support term_shortened term_too_short'
    expect([...refusedBy({ is })].sort().join(' ')).toBe(codes)
    const kept = { plan: 'advanced', seats: 3, periodEnd: END, addOns: [pack], autoRenew: false }
    expect(stateAfter({ is })).toMatchObject(kept)
  })
  test('support lifts every rule of transition', () => {
    const is = { subscriptionId: 's2', plan: 'base', seats: 1, termMonths: 1, periodEnd: END - DAY_MS }
    const addOns = [SHORT]
    const change: Change = { ...renewed, ...support, order: PIX, is: { ...is, addOns } }
    expect(refusedBy(change)).toEqual([])
    expect(stateAfter(change)).toMatchObject({ ...is, addOns })
  })
  test('the next version is judged against what was accepted, not against what was sent', () => {
    const plans = ['base', 'pro', 'advanced'].map((plan): Change => ({ is: { plan } }))
    expect(refusedBy(...plans)).toEqual(['downgrade_needs_support', 'downgrade_needs_support'])
  })
})

describe('the order that waits for payment', () => {
  const LATE = END + MINUTE_MS
  const openAfter = (...orders: readonly Order[]): Order | null =>
    stateAfter(...orders.map((order) => ({ order }))).openOrder

  test('S11: a new paid order replaces the method and renews', () => {
    const order: Order = { ...renewal, orderId: 'o3', method: 'paypal', status: 'paid', paidAt: END - DAY_MS }
    const is = { paymentMethod: 'paypal', periodEnd: NEXT_END }
    const { state } = foldVersions(
      history(PURCHASE, { order: renewal }, { ...renewed, order, is }),
      () => rules,
    )
    expect(state.subscription).toMatchObject({ ...is, openOrder: null })
    expect(state.orders).toMatchObject({ o2: { status: 'pending' }, o3: { status: 'paid', refused: null } })
  })
  test('S12: a failed attempt leaves the order open; one that is paid or given up closes', () => {
    expect(openAfter(renewal)).toMatchObject({ orderId: 'o2', attempt: { state: 'failed' } })
    expect(openAfter(renewal, { ...renewal, status: 'paid' })).toBeNull()
    expect(openAfter(renewal, { ...renewal, status: 'failed' })).toBeNull()
  })
  test('S1: a retry after the end keeps the attempt that was begun in time, with another order too', () => {
    const attempt = { state: 'processing', at: LATE, reason: null }
    expect(openAfter(renewal, { ...renewal, attempt })).toMatchObject({ attempt: renewal.attempt })
    expect(openAfter(renewal, { ...renewal, orderId: 'o3', method: 'paypal', attempt })).toMatchObject({
      orderId: 'o3',
      attempt: renewal.attempt,
    })
  })
  test('S1: an order for seats, open or paid, does not close the open renewal', () => {
    const seats: Order = { ...renewal, orderId: 'o3', kind: 'seats', attempt: null }
    expect(openAfter(renewal, seats)).toEqual(renewal)
    expect(openAfter(renewal, { ...seats, status: 'paid' })).toEqual(renewal)
    expect(openAfter(renewal, { ...renewal, orderId: 'o3', kind: 'purchase', status: 'paid' })).toBeNull()
  })
  test('S1: an attempt to pay for seats opens nothing for the renewal after it', () => {
    const late = { ...renewal, attempt: { state: 'processing', at: LATE, reason: null } }
    expect(openAfter({ ...renewal, orderId: 'o1', kind: 'seats' }, late)).toEqual(late)
  })
})

describe('a new flow window inside a day', () => {
  const windowAfter = (...changes: readonly Change[]): number | null | undefined =>
    foldVersions(history(PURCHASE, ...changes), () => rules).changes.get(changes.length + 1)?.windowStart

  test('begins with a first purchase, a purchase after a lapse and a change of the anchor', () => {
    expect(windowAfter()).toBe(START)
    expect(windowAfter({ ...PURCHASE, occurredAt: END + 1, is: { periodEnd: NEXT_END } })).toBe(END + 1)
    expect(windowAfter({ is: { anchorDay: 15 } })).toBe(START + DAY_MS)
  })
  test('S6: not with an upgrade, seats or an add-on: the limit rises, used stays', () => {
    expect(windowAfter({ type: 'upgraded', is: { plan: 'pro' } })).toBeNull()
    expect(windowAfter({ type: 'seats_changed', is: { seats: 9 } })).toBeNull()
    expect(windowAfter({ type: 'add_on_changed', is: { addOns: [pack] } })).toBeNull()
  })
})
