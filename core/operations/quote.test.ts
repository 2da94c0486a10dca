import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, REVISION, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { AMOUNT_MAX, type Amount } from '../amount.ts'
import { MINUTE_MS } from '../instant.ts'
import type { QuoteWish } from '../quote/sale.ts'
import type { AcceptedSubscription, Order } from '../subscription/subscription.ts'
import { type Quote, quoteFrom } from './quote.ts'

const catalogue = defaultCatalogue()
/** Two months and 15 of 30 days before the end: 2.5 months. */
const NOW = Date.parse('2026-09-25T09:00:00Z')

const TRIAL = { status: 'trialing', plan: 'trial', seats: 1, termMonths: 0 } as const
const BRAZIL = { country: 'BR', currency: 'BRL', paymentMethod: 'pix' } as const
const PACK = { key: 'ai_credits_5000', quantity: 1 }

function quoteOf(
  subscription: Partial<AcceptedSubscription> | null,
  wish: Partial<QuoteWish> = {},
  at = NOW,
): Quote {
  const facts = {
    revision: '1.0.0',
    subscription: subscription === null ? null : subscriptionWith(subscription),
    overrides: { whatsapp_numbers: { limit: 9 as Amount, until: null, reason: 'a pilot' } },
    crossings: {},
  }
  return quoteFrom({ catalogue, facts, workspace: 'acme', wish: { addOns: [], ...wish }, at })
}

/** Lines as `kind item quantity × unit = amount`, then the total. */
function bill(...input: Parameters<typeof quoteOf>): readonly (string | number)[] {
  const { lines, totalMinor } = quoteOf(...input)
  const words = lines.map(({ kind, item, quantity, unitMinor, amountMinor }) => {
    return `${kind} ${item} ${quantity} × ${unitMinor} = ${amountMinor}`
  })
  return [...words, totalMinor]
}

describe('S4: a term has the discount of its length', () => {
  test.for([
    [6, 18_000],
    [7, 21_000],
    [8, 24_000],
    [9, 25_650],
    [10, 30_000],
    [12, 32_400],
    [18, 54_000],
    [24, 61_200],
  ] as const)('2 seats of base at 15.00 for %i months cost %i', ([termMonths, amount]) => {
    const wish = { plan: 'base', seats: 2, termMonths }
    expect(bill(TRIAL, wish)).toEqual([`purchase base 2 × 1500 = ${amount}`, amount])
    expect(bill({}, { termMonths })).toEqual([`renewal base 2 × 1500 = ${amount}`, amount])
  })
  test('the same in reais: 2 seats of base at 75.00 for 12 months less 10 %', () => {
    const subject = { ...TRIAL, ...BRAZIL }
    expect(bill(subject, { plan: 'base', seats: 2, termMonths: 12 }).at(-1)).toBe(162_000)
    expect(quoteOf(subject, { plan: 'base' }).payment.currency).toBe('BRL')
  })
  test('seats in mid-term have the discount of the term that runs', () => {
    expect(bill({ termMonths: 24 }, { seats: 3 })).toEqual(['seats base 1 × 1500 = 3188', 3_188])
    expect(bill({ termMonths: 7 }, { seats: 3 })).toEqual(['seats base 1 × 1500 = 3750', 3_750])
  })
})

describe('S5: extending, upgrading and adding seats are quoted at any time', () => {
  test('an upgrade costs the difference for the seats there are, for the time left', () => {
    expect(bill({}, { plan: 'advanced' })).toEqual(['upgrade advanced 2 × 1000 = 5000', 5_000])
    expect(bill({ termMonths: 12 }, { plan: 'advanced' }).at(-1)).toBe(4_500)
    expect(bill(BRAZIL, { plan: 'pro' })).toEqual(['upgrade pro 2 × 15000 = 75000', 75_000])
  })
  test('an upgrade with seats: the new ones at the new plan’s whole price', () => {
    const lines = ['upgrade advanced 2 × 1000 = 5000', 'seats advanced 1 × 2500 = 6250']
    expect(bill({}, { plan: 'advanced', seats: 3 })).toEqual([...lines, 11_250])
  })
  test('with a new term: the change until the end of this one, then everything for the next', () => {
    const lines = [
      'upgrade advanced 2 × 1000 = 5000',
      'seats advanced 1 × 2500 = 6250',
      'renewal advanced 3 × 2500 = 81000',
    ]
    const wish = { plan: 'advanced', seats: 3, termMonths: 12 }
    expect(bill({}, wish)).toEqual([...lines, 92_250])
    const { lines: priced, subscription } = quoteOf({}, wish)
    expect(priced.at(-1)).toMatchObject({ from: END, until: Date.parse('2027-12-10T09:00:00Z') })
    expect(subscription.periodEnd).toBe(Date.parse('2027-12-10T09:00:00Z'))
  })
  test('nothing asked costs nothing and changes nothing', () => {
    expect(bill({})).toEqual([0])
    expect(quoteOf({}).subscription).toEqual(subscriptionWith())
  })
})

describe('S6: seats in mid-term cost seats × price × time left', () => {
  test('two more seats for 2.5 months', () => {
    expect(bill({}, { seats: 4 })).toEqual(['seats base 2 × 1500 = 7500', 7_500])
  })
  test.for([
    ['2026-06-10T09:00:00Z', 9_000],
    ['2026-12-10T08:59:59.999Z', 0],
    ['2026-12-09T09:00:00Z', 50],
    ['2026-11-10T09:00:00Z', 1_500],
    ['2026-10-26T09:00:00Z', 2_226],
  ] as const)('one more seat at %s costs %i', ([at, amount]) => {
    expect(bill({}, { seats: 3 }, Date.parse(at)).at(-1)).toBe(amount)
  })
  test('a period that ends on the 31st: months are counted back with clamping', () => {
    const periodEnd = Date.parse('2026-08-31T00:00:00Z')
    const at = Date.parse('2026-02-14T00:00:00Z')
    expect(bill({ periodEnd }, { seats: 3 }, at).at(-1)).toBe(9_750)
    const leap = { periodEnd: Date.parse('2028-08-31T00:00:00Z') }
    expect(bill(leap, { seats: 3 }, Date.parse('2028-02-14T00:00:00Z')).at(-1)).toBe(9_776)
  })
  test('a whole term is charged in whole months, also from the 31st', () => {
    const at = Date.parse('2026-08-31T00:00:00Z')
    const { lines } = quoteOf(TRIAL, { plan: 'base', seats: 1, termMonths: 6, addOns: [PACK] }, at)
    expect(lines).toMatchObject([
      { amountMinor: 9_000, until: Date.parse('2027-02-28T00:00:00Z') },
      { amountMinor: 6_000, until: Date.parse('2027-02-28T00:00:00Z') },
    ])
  })
})

describe('add-ons: packs run with the subscription, for their minimum term at least', () => {
  test('2.5 months are left: the minimum of 3 is charged and granted', () => {
    const { lines, subscription } = quoteOf({ termMonths: 24 }, { addOns: [{ ...PACK, quantity: 2 }] })
    const until = Date.parse('2026-12-25T09:00:00Z')
    expect(lines).toMatchObject([{ quantity: 2, unitMinor: 1_000, amountMinor: 6_000, until }])
    expect(subscription.addOns).toEqual([{ ...PACK, quantity: 2, from: NOW, until }])
  })
  test('5.5 months are left: 5.5 months, and 11.5 with a new term', () => {
    const early = Date.parse('2026-06-25T09:00:00Z')
    expect(bill({}, { addOns: [PACK] }, early).at(-1)).toBe(5_500)
    const lines = ['renewal base 2 × 1500 = 18000', 'add_on ai_credits_5000 1 × 1000 = 11500']
    expect(bill({}, { addOns: [PACK], termMonths: 6 }, early)).toEqual([...lines, 29_500])
  })
  test('in reais, and beside what runs already', () => {
    const addOns = [{ ...PACK, from: START, until: END }]
    expect(bill({ ...BRAZIL, addOns }, { addOns: [PACK] }).at(-1)).toBe(15_000)
    const { limits } = quoteOf({ addOns }, { addOns: [PACK] })
    expect(limits.find(({ featureKey }) => featureKey === 'ai_credits')?.limit).toBe(11_500)
  })
})

test('a workspace without a subscription is not found: nothing says where it pays from', () => {
  expect(() => quoteOf(null)).toThrow(expect.objectContaining({ code: 'not_found' }))
})

test('a total that cannot be stated exactly is refused, not rounded', () => {
  const prices = { USD: AMOUNT_MAX }
  const addOns = { [PACK.key]: { feature: 'ai_credits', perUnit: 1, minMonths: 0, prices } }
  const facts = { revision: '', subscription: subscriptionWith({}), overrides: {}, crossings: {} }
  const shared = { facts, workspace: 'acme', wish: { addOns: [PACK] } }
  const one = { ...shared, catalogue: { ...catalogue, addOns } }
  expect(quoteFrom({ ...one, at: Date.parse('2026-11-10T09:00:00Z') }).totalMinor).toBe(AMOUNT_MAX)
  expect(() => quoteFrom({ ...one, at: NOW })).toThrow(expect.objectContaining({ code: 'not_for_sale' }))
})

describe('what is free to choose', () => {
  test('S15: a lower plan and fewer seats after a lapse: a purchase', () => {
    const after = END + 1
    expect(bill({ plan: 'pro' }, { plan: 'base', seats: 1 }, after)).toEqual([
      'purchase base 1 × 1500 = 9000',
      9_000,
    ])
  })
  test('fewer seats with the renewal: the new term is charged for them', () => {
    expect(bill({}, { seats: 1, termMonths: 9 })).toEqual(['renewal base 1 × 1500 = 12825', 12_825])
  })
  test('S1: before the first payment it is a purchase, within the processing window a renewal', () => {
    expect(bill({ status: 'payment_pending' }).at(0)).toContain('purchase base 2')
    const attempt = { state: 'processing', at: END - 1, reason: null }
    const openOrder = { kind: 'renewal', attempt } as Order
    const lines = bill({ openOrder }, { termMonths: 6, seats: 3 }, END + MINUTE_MS)
    expect(lines).toEqual(['renewal base 3 × 1500 = 27000', 27_000])
  })
  test.for<[string, Partial<QuoteWish>, readonly string[]]>([
    ['a better plan', { plan: 'pro' }, ['renewal pro 2 × 4500 = 54000']],
    ['48 seats', { seats: 48 }, ['renewal base 48 × 1500 = 432000']],
    ['nothing else', {}, ['renewal base 2 × 1500 = 18000']],
    [
      'a pack',
      { addOns: [PACK] },
      ['renewal base 2 × 1500 = 18000', 'add_on ai_credits_5000 1 × 1000 = 6000'],
    ],
  ])(
    'S1, S5: in the processing window %s is priced with the term that must be renewed',
    ([, wish, lines]) => {
      const attempt = { state: 'processing', at: END - 1, reason: null }
      const quoted = [
        { openOrder: { kind: 'renewal', attempt } as Order },
        wish,
        END + 3 * MINUTE_MS,
      ] as const
      expect(bill(...quoted).slice(0, -1)).toEqual(lines)
      const { lines: priced, subscription } = quoteOf(...quoted)
      const next = Date.parse('2027-06-10T09:00:00Z')
      for (const { from, until } of priced) expect([from, until]).toEqual([END, next])
      expect(subscription.periodEnd).toBe(next)
    },
  )
})

describe('limits that would be in force', () => {
  const limitsOf = (...input: Parameters<typeof quoteOf>): Readonly<Record<string, unknown>> => {
    const { limits } = quoteOf(...input)
    return Object.fromEntries(
      limits.map(({ featureKey, feature, limit, on }) => {
        return [featureKey, feature.kind === 'switch' ? on : limit]
      }),
    )
  }
  test('S13: with the plan and the seats asked for; an override stays', () => {
    expect(limitsOf({}, { plan: 'advanced', seats: 3 })).toMatchObject({
      leads: 15_000,
      contacts_companies: 75_000,
      ai_credits: 3_750,
      ai_agents: 3,
      whatsapp_numbers: 9,
      instagram_accounts: 3,
      salesbot: true,
      priority_support: false,
    })
  })
  test('more seats keep the plan version that the workspace took; a change of plan moves it', () => {
    const old = { planSince: Date.parse('2026-05-31T00:00:00Z') }
    expect(limitsOf(old, { seats: 3 })).toMatchObject({ ai_agents: 1, ai_agent: true })
    expect(quoteOf({}, { plan: 'pro' }).subscription.planSince).toBe(NOW)
    expect(limitsOf({ ...old, periodEnd: NOW }, { plan: 'base' })).toMatchObject({
      ai_agents: 0,
      ai_agent: false,
    })
  })
})

test('the catalogue revision and the instant are stated', () => {
  expect(quoteOf({})).toMatchObject({ catalogueRevision: REVISION, at: NOW })
})
