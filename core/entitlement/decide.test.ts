import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { HOUR_MS } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { decideTogether } from './decide.ts'
import type { Request, Verdict } from './decision.ts'
import type { Override, WorkspaceFacts } from './facts.ts'
import { resolveEntitlement } from './resolve.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const { catalogue } = parsed
const NOW = Date.parse('2026-11-23T12:00:00Z')
const units = (value: number): Amount => value as Amount

function subscription(change: Partial<AcceptedSubscription> = {}): AcceptedSubscription {
  return {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: Date.parse('2026-10-05T09:00:00Z'),
    seats: 2,
    termMonths: 6,
    periodStart: Date.parse('2026-10-05T09:00:00Z'),
    periodEnd: Date.parse('2027-04-05T09:00:00Z'),
    anchorDay: 5,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: Date.parse('2026-10-05T09:00:00Z'),
    openOrder: null,
    windowStartsAt: null,
    ...change,
  }
}

interface Ask extends Partial<Omit<Request, 'quantity'>> {
  readonly quantity?: number
  readonly used?: number
  readonly held?: number
  readonly member?: boolean
  readonly since?: number
  readonly now?: number
  readonly override?: Override
}

function ask(subject: AcceptedSubscription | null, ...asks: readonly Ask[]): readonly Verdict[] {
  const items = asks.map((one) => {
    const feature = one.feature ?? 'leads'
    const facts: WorkspaceFacts = {
      revision: '1.0.0',
      subscription: subject,
      overrides: one.override === undefined ? {} : { [feature]: one.override },
      crossings: {},
    }
    const now = one.now ?? NOW
    const request = { feature, quantity: units(one.quantity ?? 1), intent: one.intent ?? 'add' } as const
    return {
      request: one.subject === undefined ? request : { ...request, subject: one.subject },
      entitlement: resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: feature, now }),
      usage: {
        used: units(one.used ?? 0),
        held: units(one.held ?? 0),
        subjectIsMember: one.member ?? false,
        subjectIsHeld: false,
      },
      crossing: one.since === undefined ? null : { since: one.since },
    }
  })
  return decideTogether({ catalogue, now: asks[0]?.now ?? NOW, items }).decisions
}

function one(subject: AcceptedSubscription | null, request: Ask): Verdict {
  const [verdict] = ask(subject, request)
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

/** The table of domain.md, written by hand for two seats; null = unlimited, false = not in the plan. */
const LIMITS: Record<string, Record<string, number | null | false>> = {
  leads: { trial: null, base: 5_000, advanced: 10_000, pro: 20_000, enterprise: null },
  contacts_companies: { trial: null, base: 25_000, advanced: 50_000, pro: 100_000, enterprise: null },
  ai_credits: { trial: 3_600, base: 1_500, advanced: 2_500, pro: 4_500, enterprise: 4_500 },
  ai_agents: { trial: 50, base: false, advanced: 3, pro: 50, enterprise: 500 },
  ai_agents_total: { trial: 500, base: 500, advanced: 500, pro: 500, enterprise: 500 },
  whatsapp_numbers: { trial: null, base: 1, advanced: 3, pro: null, enterprise: null },
  instagram_accounts: { trial: null, base: 1, advanced: 3, pro: null, enterprise: null },
}

const SWITCHES: Record<string, string> = {
  ai_agent: 'trial advanced pro enterprise',
  copilot_analyst_mode: 'trial pro enterprise',
  salesbot: 'trial advanced pro enterprise',
  broadcasting: 'trial base advanced pro enterprise',
  api_access: 'trial advanced pro enterprise',
  priority_support: 'trial enterprise',
}

describe('S13, S14: the default catalogue gives every plan its limits', () => {
  for (const [feature, plans] of Object.entries(LIMITS)) {
    for (const [plan, limit] of Object.entries(plans)) {
      test(`${plan} ${feature}: ${limit === null ? 'unlimited' : limit}`, () => {
        const status = plan === 'trial' ? 'trialing' : 'active'
        const verdict = one(subscription({ plan, status }), { feature })
        if (limit === null)
          expect(verdict).toMatchObject({ reason: 'unlimited', limit: null, unlimited: true })
        else if (limit === false) expect(verdict.reason).toBe('feature_not_in_plan')
        else expect(verdict).toMatchObject({ reason: 'within_limit', limit, remaining: limit })
      })
    }
  }
  test.for(Object.entries(SWITCHES))('switch %s', ([feature, on]) => {
    for (const plan of Object.keys(catalogue.plans)) {
      const expected = on.split(' ').includes(plan) ? 'feature_on' : 'feature_not_in_plan'
      expect(one(subscription({ plan }), { feature, intent: 'use' }).reason, plan).toBe(expected)
    }
  })
})

test('L2: a hard limit denies exactly the unit that would pass it', () => {
  const base = subscription()
  expect(one(base, { feature: 'ai_credits', used: 1_499 }).reason).toBe('within_limit')
  expect(one(base, { feature: 'ai_credits', used: 1_500 })).toMatchObject({
    reason: 'limit_reached',
    remaining: 0,
  })
  expect(one(base, { feature: 'ai_credits', used: 1_400, held: 99, quantity: 2 }).allowed).toBe(false)
})

test('L1: leads at the limit are tolerated for 24 hours from the crossing, to the millisecond', () => {
  const base = subscription()
  const at = (since: number): Verdict => one(base, { used: 5_000, since })
  expect(at(NOW - 24 * HOUR_MS + 1)).toMatchObject({ allowed: true, reason: 'over_limit_grace' })
  expect(at(NOW - 24 * HOUR_MS)).toMatchObject({ allowed: false, reason: 'limit_reached' })
  expect(at(NOW - 24 * HOUR_MS).overLimit).toEqual({ since: NOW - 24 * HOUR_MS, graceEndsAt: NOW })
})

test('L1: below the limit the grace is re-armed, and a request that would pass it is admitted', () => {
  const past = NOW - 100 * HOUR_MS
  expect(one(subscription(), { used: 4_999, since: past })).toMatchObject({
    reason: 'within_limit',
    overLimit: null,
  })
  const passing = one(subscription(), { used: 4_999, quantity: 2, since: past })
  expect(passing).toMatchObject({ reason: 'over_limit_grace', overLimit: { since: null, graceEndsAt: null } })
})

test('L3: over the limit after a downgrade, using goes on and adding does not', () => {
  const over = { used: 9_000, since: NOW - 30 * HOUR_MS }
  expect(one(subscription(), { ...over, intent: 'use' }).allowed).toBe(true)
  expect(one(subscription(), { ...over, intent: 'add' })).toMatchObject({ allowed: false, remaining: 0 })
})

test('S16: each lapse mode leaves its intents, and the reason says what to do', () => {
  const lapsed = subscription({ periodEnd: NOW })
  expect(one(lapsed, { intent: 'use' }).allowed).toBe(true)
  expect(one(lapsed, { intent: 'add' })).toMatchObject({ reason: 'subscription_lapsed', allowed: false })
  expect(one(subscription({ periodEnd: NOW + 1 }), { intent: 'add' }).allowed).toBe(true)
  expect(one(lapsed, { intent: 'add' }).unblock.map(({ action }) => action)).toEqual([
    'pay',
    'contact_support',
  ])
})

test('S1: a first purchase grants nothing until it is paid', () => {
  expect(one(subscription({ status: 'payment_pending' }), { feature: 'broadcasting' }).reason).toBe(
    'payment_pending',
  )
  expect(one(null, {})).toMatchObject({ reason: 'no_subscription', status: 'none', plan: null })
})

test('S6: unblock names the fewest seats, then the cheapest plan that fits', () => {
  const denied = one(subscription(), { used: 5_000, quantity: 2_501, since: NOW - 30 * HOUR_MS })
  expect(denied.unblock).toEqual([
    { action: 'add_seats', seats: 2 },
    { action: 'upgrade', plan: 'advanced' },
    { action: 'remove', quantity: 2_501 },
  ])
})

test('unblock: credits name packs, and the reset where the request fits a new window', () => {
  const denied = one(subscription(), { feature: 'ai_credits', used: 1_500, quantity: 10 })
  expect(denied.unblock).toEqual([
    { action: 'add_seats', seats: 1 },
    { action: 'add_on', addOn: 'ai_credits_5000', quantity: 1 },
    { action: 'upgrade', plan: 'advanced' },
    { action: 'wait_until', at: Date.parse('2026-12-05T00:00:00Z') },
  ])
})

test('add-on: the whole pack counts while it runs, not a millisecond longer', () => {
  const addOns = [{ key: 'ai_credits_5000', quantity: 2, from: NOW - 1, until: NOW + 1 }]
  const limitAt = (now: number): number | null =>
    one(subscription({ addOns }), { feature: 'ai_credits', now }).limit
  expect([limitAt(NOW - 2), limitAt(NOW), limitAt(NOW + 1)]).toEqual([1_500, 11_500, 1_500])
})

test('override: replaces the formula until it ends, and never revives a lapse', () => {
  const override = { limit: units(7), until: NOW + 1, reason: 'a pilot' }
  expect(one(subscription(), { override }).limit).toBe(7)
  expect(one(subscription(), { override, now: NOW + 1 }).limit).toBe(5_000)
  expect(one(subscription({ periodEnd: NOW }), { override }).reason).toBe('subscription_lapsed')
})

test('requires: units that are left are of no use while the switch is off', () => {
  const override = { limit: units(7), until: null, reason: 'a pilot' }
  const feature = 'ai_agents'
  expect(one(subscription(), { feature, override })).toMatchObject({
    allowed: false,
    reason: 'feature_not_in_plan',
  })
  expect(one(subscription({ plan: 'advanced' }), { feature, override })).toMatchObject({
    allowed: true,
    limit: 7,
  })
})

test('plan version: a change with reach new leaves older subscriptions as they were', () => {
  const old = subscription({ planSince: Date.parse('2026-05-31T00:00:00Z') })
  expect(one(old, { feature: 'ai_agents' })).toMatchObject({ limit: 1, reason: 'within_limit' })
  expect(one(old, { feature: 'leads' }).limit).toBe(5_000)
  expect(one(subscription(), { feature: 'ai_agents' }).reason).toBe('feature_not_in_plan')
})

test('grandfathered: a number that is connected costs nothing, a new one meets the limit', () => {
  const connected = { feature: 'whatsapp_numbers', used: 4, subject: '+5511', member: true }
  expect(one(subscription(), connected).allowed).toBe(true)
  expect(one(subscription(), { ...connected, member: false }).reason).toBe('limit_reached')
})

test('checks: items of one feature add up, and one subject named twice counts once', () => {
  const credits = { feature: 'ai_credits', used: 1_490, quantity: 6 }
  expect(ask(subscription(), credits, credits).map(({ allowed }) => allowed)).toEqual([true, false])
  const number = { feature: 'whatsapp_numbers', subject: '+1', used: 0 }
  expect(ask(subscription(), number, number).map(({ allowed }) => allowed)).toEqual([true, true])
  expect(ask(subscription(), number, { ...number, subject: '+2' }).map(({ allowed }) => allowed)).toEqual([
    true,
    false,
  ])
})

test('checks: a subject that does not fit does not fit a second time either', () => {
  const number = { feature: 'whatsapp_numbers', subject: '+2', used: 1 }
  expect(ask(subscription(), number, number).map(({ reason }) => reason)).toEqual([
    'limit_reached',
    'limit_reached',
  ])
})

test('trace: names status, plan version, seats, formula, counter and verdict in order', () => {
  const { trace } = one(subscription(), { used: 12 })
  expect(trace.map(({ step }) => step)).toEqual(['status', 'plan', 'seats', 'limit', 'counter', 'verdict'])
  expect(trace.map(({ detail }) => detail)).toContain('limit 2500 × 2 = 5000')
})
