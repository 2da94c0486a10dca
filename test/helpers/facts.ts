import { readFileSync } from 'node:fs'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { DAY_MS, MINUTE_MS } from '#core/instant.ts'
import type { AcceptedSubscription, Order } from '#core/subscription/subscription.ts'

/** Revision that `defaultCatalogue` says it has. */
export const REVISION = 7

/** The catalogue of deploy/catalogue.json. */
export function defaultCatalogue(): Catalogue {
  const source: unknown = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
  const parsed = parseCatalogue(source, REVISION)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.catalogue
}

/** When the paid period of `subscriptionWith` begins and ends: six months. */
export const START = Date.parse('2026-06-10T09:00:00Z')
export const END = Date.parse('2026-12-10T09:00:00Z')

/** Two seats of base, paid for six months in dollars by card from the US, with some changes. */
export function subscriptionWith(change: Partial<AcceptedSubscription> = {}): AcceptedSubscription {
  return {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: START,
    seats: 2,
    termMonths: 6,
    periodStart: START,
    periodEnd: END,
    anchorDay: 10,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: START,
    openOrder: null,
    windowStartsAt: null,
    ...change,
  }
}

/** A pending order that renews it, tried in vain five minutes before `END`, with some changes. */
export function renewalWith(change: Partial<Order> = {}): Order {
  return {
    orderId: 'o2',
    kind: 'renewal',
    status: 'pending',
    amountMinor: 1,
    currency: 'USD',
    method: 'card',
    installments: 1,
    placedAt: END - 3 * DAY_MS,
    paidAt: null,
    attempt: { state: 'failed', at: END - 5 * MINUTE_MS, reason: null },
    ...change,
  }
}
