import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, subscriptionWith } from '../../test/helpers/facts.ts'
import { TallygateError } from '../errors.ts'
import { DAY_MS } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { type QuoteWish, type Sale, saleOf } from './sale.ts'

const catalogue = defaultCatalogue()
const TRIAL = { status: 'trialing', plan: 'trial', seats: 1, termMonths: 0 } as const
const BRAZIL = { country: 'BR', currency: 'BRL', paymentMethod: 'pix' } as const
const PARTNER = { currency: 'EUR', paymentMethod: 'partner' } as const

function sale(
  subscription: Partial<AcceptedSubscription>,
  wish: Partial<QuoteWish> = {},
  at = END - DAY_MS,
): Sale {
  const input = { catalogue, subscription: subscriptionWith(subscription), at }
  return saleOf({ ...input, wish: { addOns: [], ...wish } })
}

/** Details of the failure that a wish meets. */
function refusal(...input: Parameters<typeof sale>): unknown {
  try {
    return sale(...input)
  } catch (error) {
    if (error instanceof TallygateError) return { code: error.code, ...error.details }
    throw error
  }
}

describe('S7: country, method and currency', () => {
  test('elsewhere: card or PayPal in USD', () => {
    const { payment } = sale({})
    expect(payment).toEqual({
      currency: 'USD',
      methods: ['card', 'paypal'],
      installments: [],
      autoRenewOff: [],
    })
  })
  test('S11: Brazil: credit card or Pix in BRL, installments by card, Pix without auto-renew', () => {
    expect(sale(BRAZIL).payment).toEqual({
      currency: 'BRL',
      methods: ['credit_card', 'pix'],
      installments: ['credit_card'],
      autoRenewOff: ['pix'],
    })
  })
  test.for([
    ['dollars by card in Brazil', { country: 'BR' }, 'BRL'],
    ['Pix elsewhere', { ...BRAZIL, country: 'AR' }, 'USD'],
    ['reais by card elsewhere', { currency: 'BRL' }, 'USD'],
    ['a method nobody has', { paymentMethod: 'cheque' }, 'USD'],
  ] as const)('%s is replaced by what the country has', ([, subject, currency]) => {
    expect(sale(subject).payment.currency).toBe(currency)
  })
  test('a partner keeps its currency, which needs a price', () => {
    expect(sale({ ...PARTNER, currency: 'BRL' }).payment).toMatchObject({
      currency: 'BRL',
      methods: ['partner'],
    })
    expect(refusal(PARTNER, { seats: 3 })).toMatchObject({ field: 'plan', known: [] })
  })
})

test.for<[string, Partial<AcceptedSubscription>, Partial<QuoteWish>, object]>([
  [
    'an unknown plan',
    {},
    { plan: 'gold' },
    { field: 'plan', known: ['base', 'advanced', 'pro', 'enterprise'] },
  ],
  ['a plan named as objects name theirs', {}, { plan: 'constructor' }, { field: 'plan' }],
  ['a plan that is not sold', TRIAL, { plan: 'trial' }, { field: 'plan' }],
  ['a purchase in trial that names no plan', TRIAL, {}, { field: 'plan' }],
  [
    'S15: a lower plan',
    { plan: 'pro' },
    { plan: 'base' },
    { field: 'plan', rule: 'downgrade_needs_support' },
  ],
  [
    'S15: at renewal too',
    { plan: 'pro' },
    { plan: 'base', termMonths: 6 },
    { rule: 'downgrade_needs_support' },
  ],
  ['fewer seats', {}, { seats: 1 }, { field: 'seats', rule: 'seats_need_support' }],
  ['S3: a renewal for 5 months', {}, { termMonths: 5 }, { field: 'termMonths', rule: 'term_too_short' }],
  ['S3: a purchase for 5 months', TRIAL, { plan: 'base', termMonths: 5 }, { rule: 'term_too_short' }],
  [
    'an unknown add-on',
    {},
    { addOns: [{ key: 'gold', quantity: 1 }] },
    { field: 'addOns', known: ['ai_credits_5000'] },
  ],
])('%s is not for sale, and the field is named', ([, subscription, wish, details]) => {
  expect(refusal(subscription, wish)).toMatchObject({ code: 'not_for_sale', ...details })
})

describe('what is left open is filled in', () => {
  test('S3: a purchase takes the term there was, or the shortest', () => {
    expect(sale({}, {}, END).term).toEqual({ months: 6, discountPercent: 0 })
    expect(sale({ termMonths: 12 }, {}, END).term).toEqual({ months: 12, discountPercent: 10 })
    expect(sale(TRIAL, { plan: 'base' }).term).toEqual({ months: 6, discountPercent: 0 })
  })
  test('a change inside the term has no term of its own', () => {
    expect(sale({}, { seats: 5 })).toMatchObject({ isRunning: true, term: null, plan: 'base', seats: 5 })
  })
  test('S8: a scheduled cancel runs until the end of the period, to the millisecond', () => {
    expect(sale({ cancelAtPeriodEnd: true }, {}, END - 1).isRunning).toBe(true)
    expect(sale({ cancelAtPeriodEnd: true }, {}, END).isRunning).toBe(false)
  })
})
