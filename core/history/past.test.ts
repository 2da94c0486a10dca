import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { DAY_MS, HOUR_MS } from '../instant.ts'
import { type Judgement, NOT_JUDGED } from '../notices/judgement.ts'
import type { Subscription, SubscriptionEvent } from '../subscription/subscription.ts'
import { factsAt, type StoredHistory } from './past-facts.ts'
import { pastFields, pastUsage } from './past-usage.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const { catalogue } = parsed
const START = Date.parse('2026-10-05T09:00:00Z')

const base: Subscription = {
  subscriptionId: 's1',
  status: 'active',
  plan: 'base',
  planSince: START,
  seats: 1,
  termMonths: 6,
  periodStart: START,
  periodEnd: Date.parse('2027-04-05T09:00:00Z'),
  anchorDay: 5,
  autoRenew: true,
  cancelAtPeriodEnd: false,
  country: 'US',
  currency: 'USD',
  paymentMethod: 'card',
  addOns: [],
}

function version(number: number, occurredAt: number, change: Partial<Subscription>): SubscriptionEvent {
  const state = { id: `v${number}`, workspace: 'acme', version: number, occurredAt, type: 'upgraded' }
  return { ...state, actor: 'support', subscription: { ...base, ...change }, order: null }
}

const nothing: StoredHistory = {
  versions: [],
  rulesAt: () => catalogue,
  overrides: [],
  judged: { before: null, after: null },
}

describe('the facts of then', () => {
  const upgradedAt = Date.parse('2026-11-10T10:00:00Z')
  const versions = [version(2, upgradedAt, { plan: 'pro' }), version(1, START, {})]
  const planAt = (at: number): string | null =>
    factsAt({ ...nothing, versions }, at).subscription?.plan ?? null

  test('a version counts from the millisecond it happened, in whatever order it was stored', () => {
    expect(planAt(START - 1)).toBeNull()
    expect(planAt(upgradedAt - 1)).toBe('base')
    expect(planAt(upgradedAt)).toBe('pro')
  })

  test('an override counts from when it was set until it was taken back', () => {
    const limit = { limit: 7 as Amount, until: null, reason: 'a promise' }
    const overrides = [
      { feature: 'leads', override: limit, at: START + DAY_MS },
      { feature: 'leads', override: null, at: START + 2 * DAY_MS },
    ]
    const limitAt = (days: number): unknown =>
      factsAt({ ...nothing, overrides }, START + days * DAY_MS).overrides['leads']?.limit
    expect([0, 1, 1.5, 2].map(limitAt)).toEqual([undefined, 7, 7, undefined])
  })

  test('a crossing that was judged later counts from its beginning, one that began later does not', () => {
    const after: Judgement = {
      ...NOT_JUDGED,
      crossings: { leads: { since: START }, contacts_companies: { since: START + 2 * HOUR_MS } },
    }
    const judged = { before: null, after }
    expect(factsAt({ ...nothing, judged }, START + HOUR_MS).crossings).toEqual({
      leads: { since: START },
    })
  })
})

interface Asked {
  readonly feature: string
  readonly at: string
  readonly fields: Readonly<Record<string, string>>
  readonly versions?: readonly SubscriptionEvent[]
}

function used({ feature, at, fields, versions = [version(1, START, {})] }: Asked) {
  const now = Date.parse(at)
  const facts = factsAt({ ...nothing, versions }, now)
  const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: feature, now })
  const question = { catalogue, entitlement, at: now }
  const asked = new Set(pastFields(question))
  const known = Object.entries(fields).filter(([name]) => asked.has(name))
  const { usage, gaps } = pastUsage(question, Object.fromEntries(known))
  return { used: usage.used, gaps: gaps.map(({ data }) => data) }
}

describe('flow: the days of the window of then', () => {
  const fields = {
    'ai_credits:20261104': '100',
    'ai_credits:20261105': '20',
    'ai_credits:20261120': '300',
    'ai_credits:20261121': '7',
  }

  test('days before the window and after the day asked about play no part', () => {
    expect(used({ feature: 'ai_credits', at: '2026-11-19T14:02:00Z', fields })).toEqual({
      used: 20,
      gaps: [],
    })
  })

  test('the day asked about counts whole, and the gap says between which figures the truth lies', () => {
    const day = '2026-11-20'
    expect(used({ feature: 'ai_credits', at: '2026-11-20T14:02:00Z', fields })).toEqual({
      used: 320,
      gaps: [{ meter: 'ai_credits', day, from: 20, until: 320 }],
    })
  })

  test('the first day of a window that began inside it counts without what was used before', () => {
    const split = { 'ai_credits:20261005': '90', 'ai_credits:20261005:b': `${START}|60` }
    const on = { feature: 'ai_credits', fields: split }
    expect(used({ ...on, at: '2026-10-07T00:00:00Z' }).used).toBe(30)
    const trial = version(1, START - 5 * DAY_MS, { status: 'trialing', plan: 'trial', termMonths: 0 })
    const before = used({ ...on, at: '2026-10-05T08:00:00Z', versions: [trial] })
    expect(before.used, 'the window before has what was used until then').toBe(60)
  })
})

test('a split that is no longer kept counts the whole day, and the trace says so', () => {
  const asked = { feature: 'ai_credits', at: '2026-10-07T00:00:00Z', fields: { 'ai_credits:20261005': '90' } }
  expect(used(asked)).toEqual({ used: 90, gaps: [{ meter: 'ai_credits', day: '20261005' }] })
})

describe('stock: the last level recorded by then', () => {
  const fields = { 'leads:20261020:l': '100', 'leads:20261110:l': '60', leads: '5' }

  test.for([
    ['2026-11-01T00:00:00Z', 100, []],
    ['2026-11-22T00:00:00Z', 60, []],
    ['2026-11-10T14:02:00Z', 60, [{ meter: 'leads', day: '2026-11-10', from: 100, until: 60 }]],
    ['2026-10-06T00:00:00Z', 0, [{ meter: 'leads' }]],
  ] as const)('%s: %d', ([at, wanted, gaps]) => {
    expect(used({ feature: 'leads', at, fields })).toEqual({ used: wanted, gaps })
  })

  test('a negative level decides as 0, and several meters add up', () => {
    const both = { 'contacts:20261020:l': '-4', 'companies:20261020:l': '9' }
    const asked = { feature: 'contacts_companies', at: '2026-11-01T00:00:00Z', fields: both }
    expect(used(asked)).toEqual({ used: 9, gaps: [] })
  })
})
