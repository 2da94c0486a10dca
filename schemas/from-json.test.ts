import { expect, test } from 'vitest'
import { faultOfRecord } from './encoder.ts'
import { fromJson } from './from-json.ts'

const lead = { id: 'e1', workspace: 'acme', source: 'crm', leadId: 'l', action: 'created' }
const read = (occurredAt: string): object => Object(fromJson('LeadEvent', { ...lead, occurredAt }))

test('from JSON: a time becomes its instant, the leap day of a leap year too', () => {
  expect(read('2024-02-29T10:00:00.120Z')).toMatchObject({
    occurredAt: Date.UTC(2024, 1, 29, 10, 0, 0, 120),
  })
})

test.for(['2026-02-31T00:00:00Z', '2027-06-31T00:00:00Z', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z'])(
  'from JSON: %s is not moved into the next month, but refused by its field',
  (text) => {
    expect(faultOfRecord('LeadEvent', read(text))).toBe(`occurredAt is "${text}", a time that does not exist`)
  },
)

test('from JSON: so is one deep inside, where it would be a day of access more', () => {
  const subscription = {
    ...{ subscriptionId: 's1', status: 'active', plan: 'base', seats: 1, termMonths: 6, anchorDay: 1 },
    ...{ autoRenew: true, cancelAtPeriodEnd: false, country: 'US', currency: 'USD', paymentMethod: 'card' },
    ...{ planSince: '2026-12-30T00:00:00Z', periodStart: '2026-12-30T00:00:00Z', addOns: [] },
    periodEnd: '2027-06-31T00:00:00Z',
  }
  const event = { id: 'v1', workspace: 'acme', version: 1, type: 'purchased', actor: 'customer', order: null }
  const occurredAt = '2026-12-30T00:00:00Z'
  const value = fromJson('SubscriptionEvent', { ...event, occurredAt, subscription })
  expect(faultOfRecord('SubscriptionEvent', Object(value))).toBe(
    'subscription.periodEnd is "2027-06-31T00:00:00Z", a time that does not exist',
  )
})
