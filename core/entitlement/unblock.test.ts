import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { LimitFormula } from '../catalogue/plan.ts'
import type { Instant } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { decideTogether } from './decide.ts'
import type { Unblock, Verdict } from './decision.ts'
import type { WorkspaceFacts } from './facts.ts'
import { resolveEntitlement } from './resolve.ts'

const NOW = END - 100
/** Five days before a reset. */
const EARLIER = Date.parse('2026-11-05T12:00:00Z')
const RESET = Date.parse('2026-11-10T00:00:00Z')
const shipped = defaultCatalogue()

interface Ask {
  readonly is?: Partial<AcceptedSubscription>
  readonly feature?: string
  readonly used?: number
  readonly quantity?: number
  readonly catalogue?: Catalogue
  readonly overrides?: WorkspaceFacts['overrides']
  readonly now?: Instant
}

/** The ways out of what is asked, with two seats of base. */
function ways(ask: Ask): readonly Unblock[] {
  return decided(ask)?.unblock ?? []
}

function decided({
  is,
  feature = 'ai_credits',
  used = 0,
  quantity = 1,
  catalogue = shipped,
  overrides = {},
  now = NOW,
}: Ask): Verdict | undefined {
  const facts = { revision: '', subscription: subscriptionWith(is), overrides, crossings: {} }
  const entitlement = resolveEntitlement({
    catalogue,
    facts,
    workspace: 'acme',
    featureKey: feature,
    now,
  })
  const item = {
    request: { feature, quantity: quantity as Amount, intent: 'add' } as const,
    entitlement,
    usage: { used: used as Amount, held: 0 as Amount, subjectIsMember: false, subjectIsHeld: false },
    crossing: null,
  }
  return decideTogether({ catalogue, now, items: [item] }).decisions[0]
}

function way(action: Unblock['action'], ask: Ask): Unblock | undefined {
  return ways(ask).find((one) => one.action === action)
}

/** The shipped catalogue with another formula for the credits of base. */
function withFormula(change: Partial<Record<keyof LimitFormula, number>>): Catalogue {
  const { base } = shipped.plans
  if (base === undefined) throw new Error('no base')
  const [first, ...rest] = base.versions
  if (first === undefined) throw new Error('no version')
  const formula = { ...first.limits['ai_credits'], ...change } as LimitFormula
  const versions = [{ ...first, limits: { ...first.limits, ai_credits: formula } }, ...rest]
  return { ...shipped, plans: { ...shipped.plans, base: { ...base, versions } } }
}

describe('the fewest seats', () => {
  test.for([
    [1, 1],
    [750, 1],
    [751, 2],
  ] as const)('%i credits over what two seats give need %i more', ([quantity, seats]) => {
    expect(way('add_seats', { used: 1_500, quantity })).toEqual({ action: 'add_seats', seats })
  })
  test('below the least that a formula gives, seats only count once they pass it', () => {
    const catalogue = withFormula({ perSeat: 10, min: 100 })
    expect(way('add_seats', { catalogue, used: 100 })).toEqual({ action: 'add_seats', seats: 9 })
  })
  test('none are named when the most that a formula gives is too little', () => {
    const catalogue = withFormula({ max: 1_600 })
    expect(way('add_seats', { catalogue, used: 1_500, quantity: 100 })).toEqual({
      action: 'add_seats',
      seats: 1,
    })
    expect(way('add_seats', { catalogue, used: 1_500, quantity: 101 })).toBeUndefined()
  })
  test('packs that run count', () => {
    const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: END }]
    expect(way('add_seats', { is: { addOns }, used: 6_500 })).toEqual({ action: 'add_seats', seats: 1 })
  })
})

describe('the cheapest plan that fits', () => {
  test.for([
    [2_500, 'advanced'],
    [2_501, 'pro'],
    [4_501, undefined],
  ] as const)('%i credits: %s', ([quantity, plan]) => {
    expect(way('upgrade', { quantity })).toEqual(plan === undefined ? undefined : { action: 'upgrade', plan })
  })
  test('packs that run stay with the new plan', () => {
    const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: END }]
    expect(way('upgrade', { is: { addOns }, used: 6_500 })).toEqual({ action: 'upgrade', plan: 'advanced' })
  })
  test('S13: the dearer plan is not named though its rank is lower', () => {
    const { pro, advanced } = shipped.plans
    if (pro === undefined || advanced === undefined) throw new Error('no plans')
    const swapped = { ...shipped.plans, pro: { ...pro, rank: 2 }, advanced: { ...advanced, rank: 3 } }
    const catalogue = { ...shipped, plans: swapped }
    expect(way('upgrade', { catalogue, used: 1_500 })).toEqual({ action: 'upgrade', plan: 'advanced' })
  })
  test('of a trial whose credits are used up the cheapest plan gives new ones: its window begins anew', () => {
    const trial = { status: 'trialing', plan: 'trial' } as const
    expect(way('upgrade', { is: trial, used: 3_600 })).toEqual({ action: 'upgrade', plan: 'base' })
    expect(way('add_seats', { is: trial, used: 3_600 })).toBeUndefined()
  })
})

describe('what is sold in the currency of the workspace', () => {
  test('S7: in a currency without prices neither a plan nor a pack is named, and support is', () => {
    expect(ways({ is: { currency: 'EUR' }, used: 1_500 }).map(({ action }) => action)).toEqual(['add_seats'])
    expect(ways({ is: { currency: 'EUR' }, feature: 'copilot_analyst_mode' })).toEqual([
      { action: 'contact_support' },
    ])
  })
  test('a plan without a price in it is passed over for the next that has one', () => {
    const { advanced } = shipped.plans
    if (advanced === undefined) throw new Error('no plan')
    const versions = advanced.versions.map((version) => ({ ...version, prices: { BRL: 1 } }))
    const catalogue = { ...shipped, plans: { ...shipped.plans, advanced: { ...advanced, versions } } }
    expect(way('upgrade', { catalogue, used: 1_500 })).toEqual({ action: 'upgrade', plan: 'pro' })
    const unpriced = versions.map((version) => ({ ...version, prices: null }))
    const silent = {
      ...shipped,
      plans: { base: shipped.plans['base'], advanced: { ...advanced, versions: unpriced } },
    }
    expect(way('upgrade', { catalogue: silent as Catalogue, used: 1_500 })).toEqual({
      action: 'upgrade',
      plan: 'advanced',
    })
  })
})

describe('the next window', () => {
  const asks = { now: EARLIER, used: 6_500, quantity: 1_501 }
  const wait = { action: 'wait_until', at: RESET }
  const pack = (until: Instant): Partial<AcceptedSubscription> => ({
    addOns: [{ key: 'ai_credits_5000', quantity: 1, from: START, until }],
  })
  const override = (limit: number, until: Instant): WorkspaceFacts['overrides'] => ({
    ai_credits: { limit: limit as Amount | null, until, reason: 'x' },
  })

  test.for([RESET - 1, RESET, RESET + 1])('counts a pack that runs at that instant: until %i', (until) => {
    const is = pack(until)
    const way = ways({ ...asks, is }).find(({ action }) => action === 'wait_until')
    expect(way).toEqual(until > RESET ? wait : undefined)
    expect(ways({ ...asks, quantity: 1_500, is })).toContainEqual(wait)
  })
  test('counts an override that holds at that instant, and the plan where it has ended', () => {
    for (const until of [RESET, RESET + 1]) {
      const way = ways({ ...asks, overrides: override(6_500, until) })
      expect(way).toEqual([until > RESET ? wait : { action: 'contact_support' }])
    }
    expect(ways({ ...asks, quantity: 1_500, overrides: override(6_500, RESET) })).toEqual([wait])
    expect(ways({ ...asks, used: 7, quantity: 8, overrides: override(7, RESET) })).toEqual([wait])
  })
  test('is named where there is no limit by then, and not where what it needs is off', () => {
    const { base } = shipped.plans
    const credits = shipped.features['ai_credits']
    const [first, second] = base?.versions ?? []
    if (base === undefined || first === undefined || second === undefined || credits === undefined)
      throw new Error('no base')
    const at = (limit: object, feature: object): Catalogue => {
      const limits = { ai_credits: { ...first.limits['ai_credits'], ...limit, reach: 'all' } as LimitFormula }
      const versions = [...base.versions, { ...second, from: RESET, limits }]
      const features = { ...shipped.features, ai_credits: { ...credits, ...feature } }
      return { ...shipped, features, plans: { ...shipped.plans, base: { ...base, versions } } }
    }
    expect(ways({ ...asks, catalogue: at({ unlimited: true }, {}) })).toContainEqual(wait)
    const catalogue = at({ unlimited: true }, { requires: 'salesbot' })
    const salesbot = { limit: null, until: RESET, reason: 'x' }
    expect(ways({ ...asks, catalogue, overrides: { salesbot } })).not.toContainEqual(wait)
  })
})

test('a switch that an override has off: no plan would turn it on, nor what needs it', () => {
  const overrides = { ai_agent: { limit: 0 as Amount, until: null, reason: 'abuse' } }
  for (const feature of ['ai_agent', 'ai_agents']) {
    expect(ways({ feature, is: { plan: 'advanced' }, overrides })).toEqual([{ action: 'contact_support' }])
    expect(decided({ feature, is: { plan: 'advanced' }, overrides })?.trace.at(-1)?.data).toMatchObject({
      reason: 'feature_not_in_plan',
      offBy: 'override',
    })
    expect(way('upgrade', { feature })).toMatchObject({ plan: 'advanced' })
    expect(decided({ feature })?.trace.at(-1)?.data).not.toHaveProperty('offBy')
  }
})

test('an override of the feature stays with the new plan: no plan is named where it is too small, the cheapest where it is enough', () => {
  const limited = (limit: number | null): WorkspaceFacts['overrides'] => ({
    ai_agents: { limit: limit as Amount | null, until: null, reason: 'x' },
  })
  const agents = { feature: 'ai_agents', used: 1 }
  expect(ways({ ...agents, quantity: 5, overrides: limited(5) })).toEqual([{ action: 'contact_support' }])
  for (const limit of [5, null])
    expect(ways({ ...agents, quantity: 4, overrides: limited(limit) })).toEqual([
      { action: 'upgrade', plan: 'advanced' },
    ])
})

describe('after a lapse, where the mode leaves adding', () => {
  const going = (feature: string): Catalogue => {
    const known = shipped.features[feature]
    if (known === undefined) throw new Error(`no ${feature}`)
    return { ...shipped, features: { ...shipped.features, [feature]: { ...known, lapse: 'allow' } } }
  }
  const credits = { catalogue: going('ai_credits'), used: 1_500, now: END }
  const support = { action: 'contact_support' }

  test('S12, S16: to pay is the way out of a limit; seats, packs and plans are ways out until then', () => {
    expect(ways(credits)).toEqual([{ action: 'pay' }, support])
    const before = ways({ ...credits, now: END - 1 }).map(({ action }) => action)
    expect(before).toEqual(['add_seats', 'add_on', 'upgrade'])
    const canceled = { status: 'canceled', occurredAt: EARLIER } as const
    expect(ways({ ...credits, is: canceled, now: EARLIER })).toEqual([{ action: 'pay' }, support])
  })
  test('what exists may be removed, too', () => {
    const asks = { feature: 'whatsapp_numbers', catalogue: going('whatsapp_numbers'), used: 1, now: END }
    expect(ways(asks)).toEqual([{ action: 'pay' }, { action: 'remove', quantity: 1 }, support])
  })
})
