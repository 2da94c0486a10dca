import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { PlanVersion } from '../catalogue/plan.ts'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import type { Entitlement } from './entitlement.ts'
import type { Override } from './facts.ts'
import { resolveEntitlement } from './resolve.ts'

const shipped = defaultCatalogue()

interface Ask {
  readonly is?: Partial<AcceptedSubscription>
  readonly now?: number
  readonly override?: Override
  readonly catalogue?: Catalogue
}

function credits({ is, now = END - 1, override, catalogue = shipped }: Ask = {}): Entitlement {
  const overrides = override === undefined ? {} : { ai_credits: override }
  const facts = { revision: '', subscription: subscriptionWith(is), overrides, crossings: {} }
  return resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: 'ai_credits', now })
}

/** The shipped catalogue with another first version of base. */
function withBase(change: (version: PlanVersion) => PlanVersion): Catalogue {
  const { base } = shipped.plans
  const [first, ...rest] = base?.versions ?? []
  if (base === undefined || first === undefined) throw new Error('no base')
  return { ...shipped, plans: { ...shipped.plans, base: { ...base, versions: [change(first), ...rest] } } }
}

function withFormula(change: Readonly<Record<string, number>>): Catalogue {
  return withBase((version) => {
    const formula = { ...version.limits['ai_credits'], ...change }
    return { ...version, limits: { ...version.limits, ai_credits: formula as never } }
  })
}

test('add-on: a pack counts only while access holds, also where it was bought for longer', () => {
  const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: END + 1_000 }]
  const limits = [END - 1, END, END + 999].map((now) => credits({ is: { addOns }, now }).limit)
  expect(limits).toEqual([6_500, 1_500, 1_500])
  expect(credits({ is: { addOns, status: 'payment_pending' } }).limit).toBe(1_500)
})

describe('override', () => {
  const override = { limit: 7 as Amount, until: END - 1, reason: 'a pilot' }

  test('ends to the millisecond', () => {
    const at = (now: number): unknown[] => {
      const { limit, source } = credits({ override, now })
      return [limit, source]
    }
    expect([at(END - 2), at(END - 1)]).toEqual([
      [7, 'override'],
      [1_500, 'plan'],
    ])
  })
  test('replaces the formula, packs included', () => {
    const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: END }]
    expect(credits({ override, is: { addOns }, now: END - 2 }).limit).toBe(7)
  })
  test('gives what the plan does not state', () => {
    const catalogue = withBase((version) => ({ ...version, limits: {} }))
    expect(credits({ catalogue })).toMatchObject({ source: 'none', limit: 0 })
    expect(credits({ catalogue, override, now: END - 2 })).toMatchObject({
      source: 'override',
      on: true,
      limit: 7,
    })
  })
})

test('the trace names each source of the limit in its order: status, plan, seats, packs, override, limit', () => {
  const addOns = [{ key: 'ai_credits_5000', quantity: 2, from: START, until: END }]
  const override: Override = { limit: 7 as Amount, until: null, reason: 'a pilot' }
  const { trace } = credits({ is: { addOns }, override })
  expect(trace.map(({ step }) => step)).toEqual(['status', 'plan', 'seats', 'add_ons', 'override', 'limit'])
  expect(trace.slice(2, 5).map(({ detail }) => detail)).toEqual([
    '2 seats',
    'add-on ai_credits_5000 × 2 gives 10000',
    'override: 7 until it is taken back (a pilot)',
  ])
})

test('the bounds of a formula hold for what the plan gives; packs are added to that', () => {
  const addOns = [{ key: 'ai_credits_5000', quantity: 2, from: START, until: END }]
  const bounds = [{ min: 2_000 }, { max: 1_000 }, { min: 2_000, max: 2_000 }]
  const limits = bounds.map((bound) => credits({ catalogue: withFormula(bound), is: { addOns } }).limit)
  expect(limits).toEqual([12_000, 11_000, 12_000])
})

describe('a feature that needs a switch', () => {
  const units = { limit: 7 as Amount, until: null, reason: 'x' }
  const agents = (plan: string, limit: Override['limit'], now = END - 2): Entitlement => {
    const overrides = { ai_agents: units, ai_agent: { limit, until: END - 1, reason: 'x' } }
    const facts = { revision: '', subscription: subscriptionWith({ plan }), overrides, crossings: {} }
    return resolveEntitlement({ catalogue: shipped, facts, workspace: 'acme', featureKey: 'ai_agents', now })
  }
  test('is off where an override turns the switch off, until that ends', () => {
    const off = agents('advanced', 0 as Amount)
    expect(off).toMatchObject({ on: false, validUntil: END - 1 })
    expect(off.trace.slice(-2).map(({ step, detail }) => [step, detail])).toEqual([
      ['override', `override of ai_agent: 0 until ${new Date(END - 1).toISOString()} (x)`],
      ['plan', 'needs ai_agent, which is off'],
    ])
    expect(agents('advanced', 0 as Amount, END - 1).on).toBe(true)
  })
  test('is on where an override turns it on', () => {
    expect(agents('base', null)).toMatchObject({ on: true, limit: 7 })
    expect(agents('base', null, END - 1).on).toBe(false)
  })
})

test('the first version of a plan holds for those, too, who took the plan before it', () => {
  const catalogue = withBase((version) => version)
  const [, second] = shipped.plans['base']?.versions ?? []
  if (second === undefined) throw new Error('base has one version')
  const first = { ...second, limits: { ...catalogue.plans['base']?.versions[0]?.limits, ...second.limits } }
  const alone = {
    ...shipped,
    plans: { ...shipped.plans, base: { ...shipped.plans['base'], versions: [first] } as never },
  }
  expect(credits({ catalogue: alone, is: { planSince: Date.parse('2026-05-01') } })).toMatchObject({
    on: true,
    limit: 1_500,
  })
})

test.for([
  [{}, 1_500, 'limit 750 × 2 = 1500'],
  [{ base: 100 }, 1_600, 'limit 100 + 750 × 2 = 1600'],
  [{ min: 2_000 }, 2_000, 'limit 750 × 2 (at least 2000) = 2000'],
  [{ max: 1_000 }, 1_000, 'limit 750 × 2 (at most 1000) = 1000'],
] as const)(
  'trace: the sum adds up to the limit, with the bound that made it: %j',
  ([change, limit, text]) => {
    const right = credits({ catalogue: withFormula(change) })
    expect(right.limit).toBe(limit)
    expect(right.trace.at(-1)?.detail).toBe(text)
  },
)

describe('use after the paid period counts against its last window', () => {
  const MIDNIGHT = Date.parse('2026-12-10T00:00:00Z')
  const attempted = (periodEnd: number): Partial<AcceptedSubscription> => {
    const attempt = { state: 'processing', at: periodEnd - MINUTE_MS, reason: null } as const
    const order = {
      orderId: 'o2',
      kind: 'renewal',
      status: 'pending',
      amountMinor: 1,
      currency: 'USD',
    } as const
    const rest = { method: 'card', installments: 1, placedAt: START, paidAt: null }
    return { periodEnd, openOrder: { ...order, ...rest, attempt } }
  }
  test.for([
    ['that ends with a day', MIDNIGHT, MIDNIGHT + MINUTE_MS, '20261210', MIDNIGHT + 14 * MINUTE_MS],
    [
      'that ends shortly before',
      MIDNIGHT - 5 * MINUTE_MS,
      MIDNIGHT + MINUTE_MS,
      '20261210',
      MIDNIGHT + 9 * MINUTE_MS,
    ],
    ['before midnight comes', MIDNIGHT - 5 * MINUTE_MS, MIDNIGHT - MINUTE_MS, '20261209', MIDNIGHT],
  ] as const)('while a renewal is processed: a period %s', ([, periodEnd, now, last, validUntil]) => {
    const right = credits({ is: attempted(periodEnd), now })
    expect([right.access, right.window?.to, right.window?.days.at(-1), right.validUntil]).toEqual([
      'active',
      periodEnd,
      last,
      validUntil,
    ])
  })
  test('after a lapse, where the mode lets it be used, and only there', () => {
    const now = END + 3 * DAY_MS
    const credit = shipped.features['ai_credits']
    const lenient = {
      ...shipped,
      features: { ...shipped.features, ai_credits: { ...credit, lapse: 'allow' } },
    }
    const right = credits({ catalogue: lenient as never, now })
    expect([right.window?.to, right.window?.days.at(-1)]).toEqual([END, '20261213'])
    expect(right.validUntil).toBe(Date.parse('2026-12-14T00:00:00Z'))
    expect(credits({ now }).window?.days.at(-1)).toBe('20261210')
  })
})

describe('the next window', () => {
  const canceledAt = Date.parse('2026-10-05T12:00:00Z')
  const canceled = { status: 'canceled', occurredAt: canceledAt } as const

  test('S9: none begins where what was paid was refunded, as none begins after the last one', () => {
    for (const now of [canceledAt, canceledAt + 30 * DAY_MS, END + DAY_MS])
      expect(credits({ is: canceled, now })).toMatchObject({ window: { to: canceledAt }, resetsAt: null })
    for (const now of [END - 1, END + DAY_MS]) expect(credits({ now }).resetsAt).toBeNull()
  })
  test('begins while what is paid goes on', () => {
    const next = Date.parse('2026-10-10T00:00:00Z')
    for (const is of [{}, { cancelAtPeriodEnd: true }])
      expect(credits({ is, now: canceledAt }).resetsAt).toBe(next)
  })
})
