import { expect, test } from 'vitest'
import { defaultCatalogue, END, renewalWith, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../instant.ts'
import { type FoldedVersions, foldVersions } from '../subscription/fold.ts'
import { orderPage } from '../subscription/order-history.ts'
import type { Order, Subscription, SubscriptionEvent } from '../subscription/subscription.ts'
import { decideTogether } from './decide.ts'
import type { Verdict } from './decision.ts'
import { resolveEntitlement } from './resolve.ts'

/** The rules from what billing sends to what a caller reads: events, fold, entitlement, decision. */
const catalogue = defaultCatalogue()
const NEXT_END = Date.parse('2027-06-10T09:00:00Z')

interface Change extends Partial<Omit<SubscriptionEvent, 'subscription'>> {
  readonly is?: Partial<Subscription>
}

/** A purchase of two seats of base, then changes, a day apart unless they say when. */
function fold(...changes: readonly Change[]): FoldedVersions {
  let state: Subscription = subscriptionWith()
  const purchase: Change = { type: 'purchased' }
  const events = [purchase, ...changes].map(({ is, ...event }, index): SubscriptionEvent => {
    state = { ...state, ...is }
    const version = index + 1
    const envelope = { id: `v${version}`, workspace: 'acme', version, occurredAt: START + index * DAY_MS }
    const base = { ...envelope, type: 'corrected', actor: 'customer', order: null } as const
    return { ...base, subscription: state, ...event }
  })
  return foldVersions(events, () => catalogue)
}

interface Question {
  readonly now: number
  readonly feature?: string
  readonly intent?: 'use' | 'add'
  readonly used?: number
  readonly since?: number
  readonly quantities?: readonly number[]
}

function decideAll({ state }: FoldedVersions, question: Question): readonly Verdict[] {
  const { now, feature: featureKey = 'leads', intent = 'add', used = 0, since, quantities = [1] } = question
  const facts = { revision: '', subscription: state.subscription, overrides: {}, crossings: {} }
  const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey, now })
  const items = quantities.map((quantity) => ({
    request: { feature: featureKey, quantity: quantity as Amount, intent },
    entitlement,
    usage: { used: used as Amount, held: 0 as Amount, subjectIsMember: false, subjectIsHeld: false },
    crossing: since === undefined ? null : { since },
  }))
  return decideTogether({ catalogue, now, items }).decisions
}

function decide(folded: FoldedVersions, question: Question): Verdict {
  const [verdict] = decideAll(folded, question)
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

/** The reason for adding a lead at some instants. */
function reasons(folded: FoldedVersions, ...instants: readonly number[]): readonly string[] {
  return instants.map((now) => decide(folded, { now }).reason)
}

const renewal = renewalWith({
  amountMinor: 18_000,
  attempt: { state: 'processing', at: END - 5 * MINUTE_MS, reason: null },
})
const failed: Order = { ...renewal, attempt: { state: 'failed', at: END - 3 * DAY_MS, reason: 'declined' } }
const PENDING: Change = { type: 'payment_pending', order: renewal, occurredAt: END - 5 * MINUTE_MS }
const PAID: Change = {
  type: 'renewed',
  order: { ...renewal, status: 'paid', paidAt: END + HOUR_MS },
  occurredAt: END + HOUR_MS,
  is: { periodStart: END, periodEnd: NEXT_END },
}

test('S1, S16: a renewal in payment keeps access for 15 minutes from its attempt; paid later, it is back at once', () => {
  const edge = END + 10 * MINUTE_MS
  expect(reasons(fold(PENDING), END, edge - 1, edge)).toEqual([
    'within_limit',
    'within_limit',
    'payment_pending',
  ])
  expect(reasons(fold(PENDING, PAID), END + HOUR_MS, NEXT_END - 1)).toEqual(['within_limit', 'within_limit'])
})

test('S2: a second subscription changes no limit while one is paid and running', () => {
  const folded = fold({ type: 'purchased', is: { subscriptionId: 's2', plan: 'enterprise' } })
  expect(decide(folded, { now: END - 1 })).toMatchObject({ plan: 'base', limit: 5_000 })
})

test('S5: an extension moves the end of access, to the millisecond', () => {
  const extended = fold({ type: 'extended', is: { periodEnd: NEXT_END } })
  expect(reasons(extended, END, NEXT_END - 1, NEXT_END)).toEqual([
    'within_limit',
    'within_limit',
    'subscription_lapsed',
  ])
})

test('S6: a seat raises every limit per seat with its version, and no other', () => {
  const limits = (folded: FoldedVersions): readonly unknown[] =>
    ['leads', 'contacts_companies', 'ai_credits', 'whatsapp_numbers', 'ai_agents_total'].map(
      (feature) => decide(folded, { feature, now: END - 1 }).limit,
    )
  expect(limits(fold())).toEqual([5_000, 25_000, 1_500, 1, 500])
  expect(limits(fold({ type: 'seats_changed', is: { seats: 3 } }))).toEqual([7_500, 37_500, 2_250, 1, 500])
})

test('S8: a cancel keeps every right until the end of the period; undone, the renewal goes on', () => {
  const cancel: Change = { type: 'cancel_scheduled', is: { cancelAtPeriodEnd: true } }
  expect(reasons(fold(cancel), END - 1, END)).toEqual(['within_limit', 'subscription_lapsed'])
  expect(reasons(fold(cancel, PENDING), END)).toEqual(['payment_pending'])
  const undo: Change = { type: 'auto_renew_changed', is: { cancelAtPeriodEnd: false } }
  expect(reasons(fold(cancel, undo, PENDING), END)).toEqual(['within_limit'])
})

test('S9: a refund by support ends access when it happened; of a pack it ends the pack alone', () => {
  const at = START + DAY_MS
  const refund: Change = { type: 'refunded', actor: 'support', is: { status: 'canceled' } }
  expect(reasons(fold(refund), at - 1, at)).toEqual(['within_limit', 'subscription_lapsed'])
  expect(reasons(fold({ ...refund, actor: 'customer' }), at)).toEqual(['within_limit'])
  const pack = { key: 'ai_credits_5000', quantity: 1, from: START, until: END }
  const bought: Change = { type: 'add_on_changed', is: { addOns: [pack] } }
  const returned: Change = { type: 'refunded', actor: 'support', is: { addOns: [] } }
  const credits = { feature: 'ai_credits', now: END - 1 }
  expect(decide(fold(bought), credits).limit).toBe(6_500)
  expect(decide(fold(bought, returned), credits)).toMatchObject({ limit: 1_500, allowed: true })
})

test('S10: pending, paid, failed and refunded orders are all kept, also those of a lapsed subscription', () => {
  const orders = (['pending', 'paid', 'failed', 'refunded'] as const).map((status, index): Change => {
    const order: Order = { ...renewal, orderId: `o${index}`, kind: 'seats', status, placedAt: START + index }
    return { order, actor: status === 'refunded' ? 'support' : 'customer' }
  })
  const { state } = fold(...orders, { type: 'expired', occurredAt: END, is: { status: 'expired' } })
  const page = orderPage(state.orders, { after: null, size: 9 })
  expect(page?.orders.map(({ status }) => status)).toEqual(['refunded', 'failed', 'paid', 'pending'])
})

test('S11: support corrects the method of an order there is; a customer places a new one', () => {
  const corrected: Change = {
    actor: 'support',
    order: { ...renewal, method: 'paypal' },
    is: { paymentMethod: 'paypal' },
  }
  expect(fold(PENDING, corrected).state).toMatchObject({
    subscription: { paymentMethod: 'paypal', openOrder: { orderId: 'o2', method: 'paypal' } },
    orders: { o2: { method: 'paypal', refused: null } },
  })
  const off: Change = { type: 'auto_renew_changed', is: { autoRenew: false } }
  const replaced: Change = { ...PAID, order: { ...renewal, orderId: 'o3', method: 'paypal', status: 'paid' } }
  expect(fold(PENDING, off, replaced).state).toMatchObject({
    subscription: { autoRenew: false, openOrder: null, periodEnd: NEXT_END },
    orders: { o2: { status: 'pending' }, o3: { status: 'paid' } },
  })
})

test('S12: a failed payment ends nothing; once the period has, paying the order and support are named', () => {
  const folded = fold({ type: 'payment_failed', order: failed, occurredAt: END - 3 * DAY_MS })
  expect(reasons(folded, END - 3 * DAY_MS, END - 1)).toEqual(['within_limit', 'within_limit'])
  expect(decide(folded, { now: END })).toMatchObject({
    reason: 'payment_pending',
    unblock: [{ action: 'pay', orderId: 'o2' }, { action: 'contact_support' }],
  })
})

test('S15, L3: after a downgrade by support nothing is taken away, adding waits until there is room', () => {
  const lower: Change = {
    type: 'downgraded',
    actor: 'support',
    is: { plan: 'base', planSince: START + DAY_MS },
  }
  const folded = fold({ type: 'upgraded', is: { plan: 'pro' } }, lower)
  const now = START + 30 * DAY_MS
  const over = { now, used: 12_000, since: START + 2 * DAY_MS }
  expect(decide(folded, { ...over, intent: 'use' })).toMatchObject({
    allowed: true,
    used: 12_000,
    limit: 5_000,
  })
  expect(decide(folded, over)).toMatchObject({ allowed: false, reason: 'limit_reached', remaining: 0 })
  expect(decide(folded, { ...over, used: 4_999 }).reason).toBe('within_limit')
})

test('L4: a denied attempt uses nothing: it takes no room from what is asked after it', () => {
  const credits = { feature: 'ai_credits', now: END - 1, used: 1_490 }
  const allowed = decideAll(fold(), { ...credits, quantities: [11, 10, 1] }).map((one) => one.allowed)
  expect(allowed).toEqual([false, true, false])
})
