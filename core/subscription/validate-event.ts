import { isDatable } from '../instant.ts'
import { isWorkspaceId } from '../usage/usage-event.ts'
import type { BoughtAddOn, Refusal, SubscriptionEvent } from './subscription.ts'
import { actors, orderKinds, orderStatuses, subscriptionStatuses } from './subscription.ts'

const ID = /^[A-Za-z0-9._:-]{1,128}$/
const COUNTRY = /^[A-Z]{2}$/
const CURRENCY = /^[A-Z]{3}$/
const SEATS_MAX = 1_000_000
const TERM_MONTHS_MAX = 1_200
const ADD_ONS_MAX = 200
const QUANTITY_MAX = 1_000_000
const DATABLE = 'after 1970 and before the year 10000'
const METHODS: readonly string[] = ['credit_card', 'pix', 'card', 'paypal', 'partner']

/**
 * What is wrong with the fields of a subscription event, or null when the fold may read it.
 *
 * An unknown `type` is fine: its state is applied. An unknown status is not.
 */
export function faultOfSubscriptionEvent(event: SubscriptionEvent, key: string | null): Refusal | null {
  const problem = faultOfEnvelope(event, key) ?? faultOfSubscription(event) ?? faultOfOrder(event)
  return problem === null ? null : { code: 'invalid_field', reason: problem }
}

function includes(values: readonly string[], value: string): boolean {
  return values.includes(value)
}

function faultOfEnvelope(event: SubscriptionEvent, key: string | null): string | null {
  if (!isWorkspaceId(event.workspace)) return 'workspace must be 1–64 of A-Za-z0-9._:-'
  if (key !== event.workspace) return `the record key must be its workspace ${event.workspace}`
  if (!ID.test(event.id)) return 'id must be 1–128 of A-Za-z0-9._:-'
  if (!Number.isSafeInteger(event.version) || event.version < 1)
    return 'version must be a whole number from 1'
  if (event.occurredAt === 0 || !isDatable(event.occurredAt)) return `occurredAt must be ${DATABLE}`
  return includes(actors, event.actor) ? null : `actor must be one of ${actors.join(', ')}`
}

function faultOfSubscription({ subscription }: SubscriptionEvent): string | null {
  const { subscriptionId, status, seats, termMonths, planSince, periodStart, periodEnd, anchorDay } =
    subscription
  if (!ID.test(subscriptionId)) return 'subscription.subscriptionId must be 1–128 of A-Za-z0-9._:-'
  if (!includes(subscriptionStatuses, status))
    return `subscription.status must be one of ${subscriptionStatuses.join(', ')}`
  if (!(Number.isInteger(seats) && seats >= 1 && seats <= SEATS_MAX))
    return 'subscription.seats must be 1 … 1000000'
  if (!(Number.isInteger(termMonths) && termMonths >= 0 && termMonths <= TERM_MONTHS_MAX))
    return 'subscription.termMonths must be 0 … 1200'
  if (![planSince, periodStart, periodEnd].every(isDatable))
    return `subscription.planSince, periodStart and periodEnd must be ${DATABLE}`
  if (periodEnd <= periodStart) return 'subscription.periodEnd must be after periodStart'
  if (!(Number.isInteger(anchorDay) && anchorDay >= 1 && anchorDay <= 31))
    return 'subscription.anchorDay must be 1 … 31'
  if (!COUNTRY.test(subscription.country)) return 'subscription.country must be an ISO 3166 alpha-2 code'
  if (!CURRENCY.test(subscription.currency)) return 'subscription.currency must be an ISO 4217 code'
  return faultOfAddOns(subscription.addOns)
}

function faultOfAddOns(addOns: readonly BoughtAddOn[]): string | null {
  if (addOns.length > ADD_ONS_MAX) return `subscription.addOns must be ${ADD_ONS_MAX} at most`
  const isTerm = ({ from, until }: BoughtAddOn): boolean =>
    isDatable(from) && isDatable(until) && from < until
  const isCount = ({ quantity }: BoughtAddOn): boolean =>
    Number.isInteger(quantity) && quantity >= 1 && quantity <= QUANTITY_MAX
  const wrong = addOns.find((addOn) => !(isTerm(addOn) && isCount(addOn)))
  return wrong === undefined
    ? null
    : `subscription.addOns: ${wrong.key} needs a quantity of 1 … 1000000, until after from, both ${DATABLE}`
}

function faultOfOrder({ order }: SubscriptionEvent): string | null {
  if (order === null) return null
  if (!ID.test(order.orderId)) return 'order.orderId must be 1–128 of A-Za-z0-9._:-'
  if (!includes(orderKinds, order.kind)) return `order.kind must be one of ${orderKinds.join(', ')}`
  if (!includes(orderStatuses, order.status)) return `order.status must be one of ${orderStatuses.join(', ')}`
  if (!METHODS.includes(order.method)) return `order.method must be one of ${METHODS.join(', ')}`
  const instants = [order.placedAt, order.paidAt ?? 0, order.attempt?.at ?? 0]
  if (!instants.every(isDatable)) return `order.placedAt, paidAt and attempt.at must be ${DATABLE}`
  if (order.amountMinor < 0) return 'order.amountMinor must not be negative'
  return order.installments >= 1 ? null : 'order.installments must be at least 1'
}
