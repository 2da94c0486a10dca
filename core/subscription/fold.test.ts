import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import { accessEndOf, accessOf } from './access.ts'
import { foldVersions } from './fold.ts'
import type { AcceptedSubscription, Order, Subscription, SubscriptionEvent } from './subscription.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const rules = parsed.catalogue
const START = Date.parse('2026-06-10T09:00:00Z')
const END = Date.parse('2026-12-10T09:00:00Z')

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

const renewal: Order = {
  orderId: 'o2',
  kind: 'renewal',
  status: 'pending',
  amountMinor: 1,
  currency: 'USD',
  method: 'card',
  installments: 1,
  placedAt: END - 3 * DAY_MS,
  paidAt: null,
  attempt: { state: 'failed', at: END - 5 * MINUTE_MS, reason: null },
}

interface Change extends Partial<Omit<SubscriptionEvent, 'subscription'>> {
  readonly is?: Partial<Subscription>
}

function history(...changes: readonly Change[]): readonly SubscriptionEvent[] {
  let state = paid
  return changes.map(({ is, ...event }, index) => {
    state = { ...state, ...is }
    const version = index + 1
    const occurredAt = START + index * DAY_MS
    const base = {
      id: `v${version}`,
      workspace: 'acme',
      version,
      occurredAt,
      type: 'corrected',
      actor: 'customer',
      order: null,
    } as const
    return { ...base, subscription: state, ...event }
  })
}

const PURCHASE: Change = { type: 'purchased' }

function refusedBy(...changes: readonly Change[]): readonly string[] {
  const { changes: folded } = foldVersions(history(PURCHASE, ...changes), rules)
  return [...folded.values()].flatMap(({ refusals }) => refusals.map(({ code }) => code))
}

function stateAfter(...changes: readonly Change[]): AcceptedSubscription {
  const { subscription } = foldVersions(history(PURCHASE, ...changes), rules).state
  if (subscription === null) throw new Error('nothing was accepted')
  return subscription
}

test('G18: any order and repetition of the versions folds to the same state', () => {
  const change = fc.record({
    type: fc.constantFrom(
      'purchased',
      'renewed',
      'upgraded',
      'seats_changed',
      'payment_failed',
      'expired',
      'refunded',
    ),
    actor: fc.constantFrom('customer' as const, 'support' as const, 'system' as const),
    is: fc.record({
      plan: fc.constantFrom('base', 'advanced', 'pro', 'gone'),
      seats: fc.integer({ min: 1, max: 9 }),
      termMonths: fc.constantFrom(3, 6, 12),
      status: fc.constantFrom(
        'active' as const,
        'trialing' as const,
        'payment_pending' as const,
        'canceled' as const,
      ),
      subscriptionId: fc.constantFrom('s1', 's2'),
      periodEnd: fc.integer({ min: START, max: END }),
    }),
    order: fc.constantFrom(null, renewal, { ...renewal, orderId: 'o3', method: 'pix' }),
  })
  const shuffled = fc.array(change, { minLength: 1, maxLength: 12 }).chain((changes) => {
    const events = history(...changes)
    const arrivals = fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 })
    return fc.tuple(fc.constant(events), arrivals)
  })
  fc.assert(
    fc.property(shuffled, ([events, arrivals]) => {
      expect(foldVersions(arrivals, rules)).toEqual(foldVersions(events, rules))
    }),
    { numRuns: 500 },
  )
})

describe('refusals, by the rule', () => {
  test('S2: another subscription while one is paid and running is refused whole', () => {
    expect(refusedBy({ is: { subscriptionId: 's2', seats: 9 } })).toEqual(['second_subscription'])
    expect(stateAfter({ is: { subscriptionId: 's2', seats: 9 } })).toMatchObject({
      subscriptionId: 's1',
      seats: 3,
    })
  })
  test('S2: a trial is replaced by a purchase', () => {
    const trial: Change = { type: 'trial_started', is: { status: 'trialing', plan: 'trial', termMonths: 0 } }
    const bought: Change = {
      type: 'purchased',
      is: { subscriptionId: 's2', status: 'active', plan: 'base', termMonths: 6 },
    }
    const { state, changes } = foldVersions(history(trial, bought), rules)
    expect(state.subscription).toMatchObject({ subscriptionId: 's2', plan: 'base' })
    expect(changes.get(2)?.windowStart).toBe(START + DAY_MS)
  })
  test('S3: a term below the shortest is refused, support may sell it', () => {
    expect(refusedBy({ type: 'renewed', is: { termMonths: 5 } })).toEqual(['term_too_short'])
    expect(refusedBy({ type: 'renewed', actor: 'support', is: { termMonths: 5 } })).toEqual([])
  })
  test('S5: a paid term cannot be shortened; the rest of the event applies', () => {
    const change: Change = { type: 'upgraded', is: { plan: 'pro', periodEnd: END - DAY_MS } }
    expect(refusedBy(change)).toEqual(['term_shortened'])
    expect(stateAfter(change)).toMatchObject({ plan: 'pro', periodEnd: END })
  })
  test('S7: an order that breaks the payment table pays for nothing', () => {
    expect(refusedBy({ order: { ...renewal, method: 'pix', currency: 'BRL' } })).toEqual([
      'payment_not_allowed',
    ])
    expect(stateAfter({ order: { ...renewal, method: 'pix', currency: 'BRL' } }).openOrder).toBeNull()
    expect(
      refusedBy({ is: { country: 'BR' }, order: { ...renewal, method: 'pix', currency: 'BRL' } }),
    ).toEqual([])
  })
  test('S9: only support refunds', () => {
    expect(refusedBy({ type: 'refunded' })).toEqual(['refund_needs_support'])
    expect(refusedBy({ type: 'refunded', actor: 'support' })).toEqual([])
  })
  test('S15: a lower plan needs support, at renewal too, and is free after a lapse', () => {
    expect(refusedBy({ type: 'renewed', is: { plan: 'base', periodEnd: END + DAY_MS } })).toEqual([
      'downgrade_needs_support',
    ])
    expect(refusedBy({ actor: 'support', is: { plan: 'base' } })).toEqual([])
    expect(
      refusedBy({
        type: 'purchased',
        occurredAt: END + DAY_MS,
        is: { plan: 'base', periodEnd: END + 190 * DAY_MS },
      }),
    ).toEqual([])
  })
  test('fewer seats: by support, or by the customer with a renewal', () => {
    expect(refusedBy({ type: 'seats_changed', is: { seats: 2 } })).toEqual(['seats_need_support'])
    expect(refusedBy({ type: 'renewed', is: { seats: 2, periodEnd: END + DAY_MS } })).toEqual([])
  })
  test('one trial a workspace', () => {
    const trial: Change = {
      type: 'trial_started',
      is: { status: 'trialing', plan: 'trial', termMonths: 0, periodEnd: START + DAY_MS },
    }
    const again: Change = {
      ...trial,
      occurredAt: START + 9 * DAY_MS,
      is: { ...trial.is, subscriptionId: 's2', periodEnd: END },
    }
    const { changes } = foldVersions(history(trial, again), rules)
    expect(changes.get(2)?.refusals.map(({ code }) => code)).toEqual(['trial_repeated'])
  })
  test('unknown plans and add-ons are refused whole, add-ons under their minimum alone', () => {
    const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: START + 30 * DAY_MS }]
    expect(refusedBy({ is: { plan: 'gold' } })).toEqual(['unknown_plan'])
    expect(refusedBy({ is: { addOns: [{ ...addOns[0], key: 'gold' }] as typeof addOns } })).toEqual([
      'unknown_add_on',
    ])
    expect(refusedBy({ is: { addOns } })).toEqual(['term_too_short'])
    expect(stateAfter({ is: { addOns, seats: 4 } })).toMatchObject({ addOns: [], seats: 4 })
  })
})

describe('access ends by time', () => {
  const at = (subscription: AcceptedSubscription, now: number): string => accessOf(subscription, now, rules)

  test('S8: a scheduled cancel keeps access to the last millisecond', () => {
    const state = stateAfter({ type: 'cancel_scheduled', is: { cancelAtPeriodEnd: true } })
    expect([at(state, END - 1), at(state, END)]).toEqual(['active', 'lapsed'])
  })
  test('S1, S12: an attempt begun before the end keeps access for 15 minutes from it, whatever became of it', () => {
    const state = stateAfter({ type: 'payment_failed', order: renewal })
    const until = END + 10 * MINUTE_MS
    expect(accessEndOf(state, rules)).toBe(until)
    expect([at(state, until - 1), at(state, until)]).toEqual(['active', 'lapsed'])
  })
  test('S1: an attempt begun after the lapse opens no window, nor does one with a scheduled cancel', () => {
    const late = { ...renewal, attempt: { state: 'processing', at: END, reason: null } }
    expect(accessEndOf(stateAfter({ order: late }), rules)).toBe(END)
    expect(accessEndOf(stateAfter({ order: renewal, is: { cancelAtPeriodEnd: true } }), rules)).toBe(END)
  })
  test('S1: a first purchase grants nothing until it is paid', () => {
    const { subscription } = foldVersions(
      history({ type: 'purchased', is: { status: 'payment_pending' } }),
      rules,
    ).state
    expect(accessOf(subscription, START, rules)).toBe('pending')
  })
  test('an early expired ends nothing, a cancel by support ends at once', () => {
    expect(at(stateAfter({ type: 'expired', actor: 'system', is: { status: 'expired' } }), END - 1)).toBe(
      'active',
    )
    const canceled = stateAfter({ actor: 'support', is: { status: 'canceled' } })
    expect([at(canceled, START + DAY_MS - 1), at(canceled, START + DAY_MS)]).toEqual(['active', 'lapsed'])
  })
})
