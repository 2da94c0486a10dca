import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { DAY_MS, HOUR_MS, toIso } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { withWish } from './change-subscription.ts'
import { firstDenial, type World } from './first-denial.ts'

const source = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
const NOW = Date.parse('2026-11-23T12:00:00Z')
const END = Date.parse('2027-04-05T09:00:00Z')

function catalogueOf(change: (draft: typeof source) => void = () => undefined): Catalogue {
  const draft = structuredClone(source)
  change(draft)
  const parsed = parseCatalogue(draft, 1)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.catalogue
}

const facts: WorkspaceFacts = {
  revision: '1.0.0',
  subscription: {
    subscriptionId: 's1',
    status: 'active',
    plan: 'advanced',
    planSince: NOW - 40 * DAY_MS,
    seats: 1,
    termMonths: 6,
    periodStart: NOW - 40 * DAY_MS,
    periodEnd: END,
    anchorDay: 5,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: NOW - 40 * DAY_MS,
    openOrder: null,
    windowStartsAt: null,
  },
  overrides: {},
  crossings: {},
}

function world(fields: CounterReading['fields'], change: Partial<World> = {}): World {
  const reading: CounterReading = {
    state: 'ready',
    factsRevision: '1.0.0',
    catalogueRevision: 1,
    asOf: NOW,
    lagMs: 0,
    exact: true,
    now: NOW,
    isKnown: true,
    fields,
    sizes: {},
    membership: {},
    heldSubjects: {},
  }
  return { workspace: 'acme', catalogue: catalogueOf(), facts, reading, now: NOW, ...change }
}

function told(of: World, feature: string): string | null {
  const denial = firstDenial(of, feature)
  return denial === null ? null : `${denial.verdict.reason} ${toIso(denial.at)}`
}

test('below the limit nothing is denied before access ends', () => {
  expect(told(world({ leads: '4999' }), 'leads')).toBe('subscription_lapsed 2027-04-05T09:00:00.000Z')
})

test('a switch that the plan has off is denied now', () => {
  expect(told(world({}), 'priority_support')).toBe('feature_not_in_plan 2026-11-23T12:00:00.000Z')
})

test('L1: at the limit the denial begins when the grace ends, counted from the crossing', () => {
  expect(told(world({ leads: '5000' }), 'leads')).toBe('limit_reached 2026-11-24T12:00:00.000Z')
  const crossed = { ...facts, crossings: { leads: { since: NOW - 20 * HOUR_MS } } }
  expect(told(world({ leads: '5000' }, { facts: crossed }), 'leads')).toBe(
    'limit_reached 2026-11-23T16:00:00.000Z',
  )
})

test('L1: a limit that rises re-arms the grace: when it falls again, a new one begins', () => {
  const crossed = { ...facts, crossings: { leads: { since: NOW - 20 * HOUR_MS } } }
  const pack = { key: 'leads_5000', quantity: 1, from: NOW + HOUR_MS, until: NOW + 10 * DAY_MS }
  const sold = catalogueOf((draft) => {
    draft.addOns.leads_5000 = { feature: 'leads', perUnit: 5_000 }
  })
  const saying = (leads: string, addOns = [pack]): string | null => {
    const subscription = Object({ ...facts.subscription, addOns })
    return told(world({ leads }, { catalogue: sold, facts: { ...crossed, subscription } }), 'leads')
  }
  expect(saying('6000')).toBe(`limit_reached ${toIso(NOW + 11 * DAY_MS)}`)
  expect(saying('6000', [])).toBe(`limit_reached ${toIso(NOW + 4 * HOUR_MS)}`)
  expect(saying('10000')).toBe(`limit_reached ${toIso(NOW + 4 * HOUR_MS)}`)
})

test('L2: credits that are used up are denied now', () => {
  const used = world({ 'ai_credits:20261120': '1250' })
  expect(told(used, 'ai_credits')).toBe('limit_reached 2026-11-23T12:00:00.000Z')
})

test('a plan version to come denies from its date, and a window to come begins empty', () => {
  const version = {
    version: '2027-01-01',
    limits: { leads: { perSeat: 100, reach: 'all' }, ai_credits: { perSeat: 10, reach: 'all' } },
  }
  const lower = catalogueOf((draft) => draft.plans.advanced.versions.push(version))
  const full = world({ leads: '200', 'ai_credits:20261120': '1000' }, { catalogue: lower })
  expect(told(full, 'leads')).toBe('limit_reached 2027-01-02T00:00:00.000Z')
  expect(told(full, 'ai_credits')).toBe('subscription_lapsed 2027-04-05T09:00:00.000Z')
})

test('S15: what a wish would change is decided as if it were in force now', () => {
  const { catalogue } = world({})
  const base = withWish(facts, { plan: 'base' }, { catalogue, now: NOW })
  expect(base.subscription).toMatchObject({ plan: 'base', planSince: NOW, seats: 1 })
  expect(told(world({ 'ai_credits:20261120': '800' }, { facts: base }), 'ai_credits')).toBe(
    'limit_reached 2026-11-23T12:00:00.000Z',
  )
  const packed = withWish(
    facts,
    { plan: 'base', addOns: [{ key: 'ai_credits_5000', quantity: 1 }] },
    { catalogue, now: NOW },
  )
  expect(told(world({ 'ai_credits:20261120': '800' }, { facts: packed }), 'ai_credits')).toMatch(/lapsed/)
})

test.for([{ plan: 'gold' }, { addOns: [{ key: 'moon', quantity: 1 }] }])(
  'a wish for what is not sold is refused and names what is',
  (wish) => {
    expect(() => withWish(facts, wish, { catalogue: catalogueOf(), now: NOW })).toThrow(/known are/)
  },
)
