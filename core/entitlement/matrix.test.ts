import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { Intent, LapseMode } from '../catalogue/feature.ts'
import { HOUR_MS } from '../instant.ts'
import type { AcceptedSubscription, Order } from '../subscription/subscription.ts'
import { decideTogether } from './decide.ts'
import type { Verdict } from './decision.ts'
import { resolveEntitlement } from './resolve.ts'

const catalogue = defaultCatalogue()
/** The last millisecond of the paid period. */
const NOW = END - 1

interface Question {
  readonly feature: string
  readonly intent?: Intent
  readonly used?: number
  readonly quantity?: number
  /** Since when use has been at the limit, as the judge stored it. */
  readonly since?: number
  /** Lapse mode in place of the catalogue's. */
  readonly lapse?: LapseMode
}

function decide(subscription: AcceptedSubscription | null, question: Question): Verdict {
  const { feature: featureKey, intent = 'add', used = 0, quantity = 1, since, lapse } = question
  const stated = catalogue.features[featureKey]
  if (stated === undefined) throw new RangeError(featureKey)
  const feature = lapse === undefined ? stated : { ...stated, lapse }
  const sold = { ...catalogue, features: { ...catalogue.features, [featureKey]: feature } }
  const facts = { revision: '1.0.0', subscription, overrides: {}, crossings: {} }
  const entitlement = resolveEntitlement({ catalogue: sold, facts, workspace: 'acme', featureKey, now: NOW })
  const item = {
    request: { feature: featureKey, quantity: quantity as Amount, intent },
    entitlement,
    usage: { used: used as Amount, held: 0 as Amount, subjectIsMember: false, subjectIsHeld: false },
    crossing: since === undefined ? null : { since },
  }
  const [verdict] = decideTogether({ catalogue: sold, now: NOW, items: [item] }).decisions
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

const PLANS = ['trial', 'base', 'advanced', 'pro', 'enterprise'] as const
type Plan = (typeof PLANS)[number]

/** domain.md, "Plans and limits", by hand for three seats; ∞ = unlimited, off = the switch it needs is off. */
const LIMITS = `
  leads               grace  ∞     7500   15000   30000  ∞
  contacts_companies  grace  ∞    37500   75000  150000  ∞
  ai_credits          hard   5400  2250    3750    6750  6750
  ai_agents           hard   50     off       3      50  500
  ai_agents_total     hard   500    500     500     500  500
  whatsapp_numbers    hard   ∞        1       3       ∞  ∞
  instagram_accounts  hard   ∞        1       3       ∞  ∞`

const ROWS = LIMITS.trim()
  .split('\n')
  .map((line) => line.trim().split(/ +/))
const CELLS = ROWS.flatMap(([feature = '', kind = '', ...limits]) =>
  PLANS.map((plan, index) => ({ feature, kind, plan, limit: limits[index] ?? '' })),
)

/** What each state makes of a paid subscription. */
const STATES = {
  active: {},
  pending: { status: 'payment_pending' },
  lapsed: { periodEnd: NOW },
  'cancelled, not ended': { cancelAtPeriodEnd: true, autoRenew: false },
} as const satisfies Record<string, Partial<AcceptedSubscription>>
type State = keyof typeof STATES

function inState(plan: Plan, state: State): AcceptedSubscription {
  const trial = plan === 'trial' ? ({ status: 'trialing', termMonths: 0 } as const) : {}
  return subscriptionWith({ plan, seats: 3, ...trial, ...STATES[state] })
}

/** Reasons while access runs: with nothing used, one below the limit (for one, for two), at it, 24 hours after it, to use. */
const WITH_ACCESS = {
  '∞': Array.from({ length: 6 }, () => 'unlimited'),
  grace: [
    'within_limit',
    'within_limit',
    'over_limit_grace',
    'over_limit_grace',
    'limit_reached',
    'within_limit',
  ],
  hard: ['within_limit', 'within_limit', 'limit_reached', 'limit_reached', 'limit_reached', 'within_limit'],
  off: Array.from({ length: 5 }, () => 'feature_not_in_plan').concat('within_limit'),
} as const

function expectedReasons(state: State, kind: keyof typeof WITH_ACCESS): readonly string[] {
  const all = (reason: string): string[] => Array.from({ length: 5 }, () => reason)
  switch (state) {
    case 'active':
    case 'cancelled, not ended':
      return WITH_ACCESS[kind]
    case 'pending':
      return [...all('payment_pending'), 'payment_pending']
    case 'lapsed':
      return [...all('subscription_lapsed'), kind === '∞' ? 'unlimited' : 'within_limit']
  }
}

/** Denials that only time and payment decide: paying is the way out, whatever the plan. */
const BY_TIME: ReadonlySet<string> = new Set(['payment_pending', 'subscription_lapsed'])

describe.each(Object.keys(STATES) as State[])('S8, S13, S14, S16: %s', (state) => {
  test.for(CELLS)('$plan $feature: $limit', ({ feature, kind, plan, limit }) => {
    const subscription = inState(plan, state)
    const full = limit === '∞' ? 1_000_000 : limit === 'off' ? 0 : Number(limit)
    const past = NOW - 24 * HOUR_MS
    const verdicts = [
      decide(subscription, { feature }),
      decide(subscription, { feature, used: Math.max(full - 1, 0) }),
      decide(subscription, { feature, used: Math.max(full - 1, 0), quantity: 2 }),
      decide(subscription, { feature, used: full }),
      decide(subscription, { feature, used: full, since: past }),
      decide(subscription, { feature, used: full, since: past, intent: 'use' }),
    ]
    const decidedBy = limit === '∞' || limit === 'off' ? limit : kind === 'grace' ? 'grace' : 'hard'
    expect(verdicts.map(({ reason }) => reason)).toEqual(expectedReasons(state, decidedBy))
    const isAllowed = /^(unlimited|within_limit|over_limit_grace)$/
    for (const { allowed, reason, limit: stated, unlimited, unblock } of verdicts) {
      expect(allowed, reason).toBe(isAllowed.test(reason))
      if (BY_TIME.has(reason))
        expect(unblock, reason).toEqual([{ action: 'pay' }, { action: 'contact_support' }])
      expect({ stated, unlimited }).toEqual({
        stated: limit === '∞' ? null : full,
        unlimited: limit === '∞',
      })
    }
  })
})

test('S14: base had one active agent for who took it before 2026-06-01, at any number of seats', () => {
  const old = { ...inState('base', 'active'), planSince: Date.parse('2026-05-31T23:59:59.999Z') }
  expect(decide(old, { feature: 'ai_agents' })).toMatchObject({ reason: 'within_limit', limit: 1 })
  expect(decide(old, { feature: 'ai_agents', used: 1 }).reason).toBe('limit_reached')
  const then = { ...old, planSince: Date.parse('2026-06-01T00:00:00Z') }
  expect(decide(then, { feature: 'ai_agents' }).reason).toBe('feature_not_in_plan')
})

/** What each lapse mode leaves possible: read, use, add (domain.md, S16). */
const LAPSE_MODES = {
  allow: ['read', 'use', 'add'],
  block_new: ['read', 'use'],
  read_only: ['read'],
  block: [],
} as const satisfies Record<LapseMode, readonly Intent[]>
const OPEN = { orderId: 'o2', kind: 'renewal', status: 'pending', placedAt: START, attempt: null } as Order

describe.each(Object.keys(catalogue.features))('S16: %s after the lapse', (feature) => {
  const lapsed = inState('enterprise', 'lapsed')
  for (const [mode, left] of Object.entries(LAPSE_MODES)) {
    for (const intent of ['read', 'use', 'add'] as const) {
      const isLeft = left.some((one) => one === intent)
      test(`${mode}: to ${intent} is ${isLeft ? 'allowed' : 'denied'}`, () => {
        const question = { feature, intent, lapse: mode as LapseMode }
        const verdict = decide(lapsed, question)
        expect(verdict.allowed).toBe(isLeft)
        if (isLeft) return
        const because = (reason: string): string => (mode === 'read_only' ? 'read_only' : reason)
        expect(verdict.reason).toBe(because('subscription_lapsed'))
        expect(verdict.unblock).toEqual([{ action: 'pay' }, { action: 'contact_support' }])
        const waiting = decide({ ...lapsed, openOrder: OPEN }, question)
        expect(waiting.reason).toBe(because('payment_pending'))
        expect(waiting.unblock[0]).toEqual({ action: 'pay', orderId: 'o2' })
        expect(waiting.trace.at(-1)?.detail).toContain('order o2 is not paid yet')
      })
    }
  }
})

test('S16: a lapse mode counts only after a lapse: not while access runs, not before the first payment', () => {
  for (const mode of Object.keys(LAPSE_MODES) as LapseMode[]) {
    const question = { feature: 'leads', intent: 'add', lapse: mode } as const
    expect(decide(inState('pro', 'active'), question).allowed, mode).toBe(true)
    expect(decide(inState('pro', 'pending'), question).reason, mode).toBe('payment_pending')
    expect(decide(null, question).reason, mode).toBe('no_subscription')
  }
})
