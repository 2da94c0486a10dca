import { describe, expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import { decideTogether } from '#core/entitlement/decide.ts'
import type { TraceStep } from '#core/entitlement/decision.ts'
import type { Override } from '#core/entitlement/facts.ts'
import { resolveEntitlement } from '#core/entitlement/resolve.ts'
import type { AcceptedSubscription } from '#core/subscription/subscription.ts'
import { defaultCatalogue, END, renewalWith, START, subscriptionWith } from '#test/helpers/facts.ts'
import {
  fromNow,
  inWords,
  levelOf,
  minute,
  money,
  number,
  percentOf,
  span,
  stepInWords,
  words,
} from './format.js'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('figures of the ops page', () => {
  test('a share says 100 % only where the limit is reached', () => {
    expect(percentOf(999_999, 1_000_000)).toBe(99)
    expect(percentOf(1_000_000, 1_000_000)).toBe(100)
    expect(percentOf(3, 0)).toBe(100)
    expect(percentOf(0, 0)).toBe(0)
  })
  test('the colour of a bar turns at 80 and at 100 percent, and never without a limit', () => {
    expect([79, 80, 99, 100, 120].map((used) => levelOf(used, 100))).toEqual([
      'good',
      'warn',
      'warn',
      'bad',
      'bad',
    ])
    expect(levelOf(10 ** 9, null)).toBe('good')
    expect([levelOf(0, 0), levelOf(1, 0)]).toEqual(['good', 'bad'])
  })
  test('what is not known is a dash, not a zero', () => {
    expect([number(0), number(12_500), number(null), span(null)]).toEqual(['0', '12,500', '–', '–'])
  })
  test('money has the decimals of its currency', () => {
    expect([money(12_345, 'USD'), money(5, 'BRL'), money(500, 'JPY')]).toEqual(['$123.45', 'R$0.05', '¥500'])
  })
})

describe('times of the ops page', () => {
  test('are UTC wherever the browser is', () => {
    expect(minute('2026-11-30T23:59:59.999Z')).toBe('30 Nov 2026, 23:59 UTC')
    expect(inWords('until 2026-12-01T00:00:00.000Z, then')).toBe('until 1 Dec 2026, 00:00 UTC, then')
  })
  test('spans have two units at most and are never rounded up', () => {
    const spans = [
      999,
      1_990,
      59_999,
      HOUR_MS - 1,
      HOUR_MS + 61_000,
      26 * HOUR_MS,
      11 * 24 * HOUR_MS + HOUR_MS,
    ]
    expect(spans.map(span)).toEqual(['999 ms', '1.9 s', '59 s', '59 min', '1 h 1 min', '1 d 2 h', '11 d'])
  })
  test('the past and the future are told apart', () => {
    const at = (ms: number) => new Date(NOW + ms).toISOString()
    expect([at(-5 * MINUTE_MS), at(2 * HOUR_MS), at(1_000)].map((iso) => fromNow(iso, NOW))).toEqual([
      '5 min ago',
      'in 2 h',
      'just now',
    ])
  })
})

describe('a trace on the ops page', () => {
  test('has the thousands of its amounts apart, wherever it writes one', () => {
    const addOns = [{ key: 'ai_credits_5000', quantity: 2, from: START, until: END }]
    const override = { limit: 7_000 as Amount, until: null, reason: 'limit 8000 = 2000, ticket 48213' }
    expect(shown(traceOf({ seats: 10, addOns }))).toEqual([
      'subscription active, access until 10 Dec 2026, 09:00 UTC',
      'plan base, version 2020-01-01',
      '10 seats',
      'add-on ai_credits_5000 × 2 gives 10,000',
      'limit 750 × 10 + 10,000 = 17,500',
      'used 16,214 since 10 Jun 2026, 00:00 UTC, 1,240 held',
      'denied: 20,254 > 17,500',
    ])
    expect(shown(traceOf({ override })).slice(3)).toEqual([
      'override: 7,000 until it is taken back (limit 8000 = 2000, ticket 48213)',
      'limit 7,000 by override',
      'used 16,214 since 10 Jun 2026, 00:00 UTC, 1,240 held',
      'denied: 20,254 > 7,000',
    ])
  })
  test('leaves ids of orders, versions and revisions as they are', () => {
    const unpaid = traceOf({ now: END + 1, openOrder: renewalWith({ orderId: '20261130', attempt: null }) })
    expect(shown(unpaid).at(-1)).toContain('and order 20261130 is not paid yet')
    const text = 'plan base, version 2026-06-01, order o-1003, 250 left, revision 1234; holds are not kept'
    expect(inWords(text)).toBe(text)
  })
  test('has the amounts of the past apart', () => {
    expect(inWords('leads is kept by day: it went from 1200 to 3400 on 2026-11-20; 3400 is taken')).toBe(
      'leads is kept by day: it went from 1,200 to 3,400 on 2026-11-20; 3,400 is taken',
    )
  })
})

test('keys of the catalogue become words', () => {
  expect(['ai_credits', 'api_access', 'whatsapp_numbers', 'leads'].map(words)).toEqual([
    'AI credits',
    'API access',
    'WhatsApp numbers',
    'Leads',
  ])
})

interface Past extends Partial<AcceptedSubscription> {
  readonly now?: number
  readonly override?: Override
}

/** How it is decided that 2,800 credits more do not fit. */
function traceOf({ now = START + HOUR_MS, override, ...change }: Past): readonly TraceStep[] {
  const catalogue = defaultCatalogue()
  const overrides = override === undefined ? {} : { ai_credits: override }
  const facts = { revision: '', subscription: subscriptionWith(change), overrides, crossings: {} }
  const about = { catalogue, facts, workspace: 'acme', featureKey: 'ai_credits', now }
  const entitlement = resolveEntitlement(about)
  const request = { feature: 'ai_credits', quantity: 2_800 as Amount, intent: 'add' } as const
  const amounts = { used: 16_214 as Amount, held: 1_240 as Amount }
  const usage = { ...amounts, subjectIsMember: false, subjectIsHeld: false }
  const item = { request, entitlement, usage, crossing: null }
  return decideTogether({ catalogue, now, items: [item] }).decisions.flatMap(({ trace }) => trace)
}

function shown(trace: readonly TraceStep[]): readonly string[] {
  return trace.map(stepInWords)
}
