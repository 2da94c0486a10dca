import type { PaymentRule } from '../catalogue/payment-terms.ts'
import type { Actor, Order } from './subscription.ts'

/** Who orders from where. */
export interface Payer {
  readonly country: string
  readonly actor: Actor
}

/** Why an order may not be paid this way (S7), or null when a row of the table allows it. */
export function faultOfPayment(order: Order, payer: Payer, rules: readonly PaymentRule[]): string | null {
  const rows = rulesFor(rules, payer.country).filter((rule) => allowsActor(rule, payer.actor))
  const row = rows.find((rule) => allowsCurrency(rule, order.currency) && rule.methods.includes(order.method))
  if (row === undefined) {
    const ways = rows.map(({ methods, currency }) => `${methods.join(' or ')} in ${currency}`).join('; ')
    return `order ${order.orderId}: ${order.method} in ${order.currency} cannot be used from ${payer.country}; place a new order by ${ways || 'support'}`
  }
  if (order.installments > 1 && !row.installments.includes(order.method)) {
    return `order ${order.orderId}: ${order.method} cannot be paid in ${order.installments} installments`
  }
  return null
}

/** The rows of the table that reach a country. */
export function rulesFor(rules: readonly PaymentRule[], country: string): readonly PaymentRule[] {
  return rules.filter((rule) => reachesCountry(rule, country))
}

function reachesCountry({ countries, except }: PaymentRule, country: string): boolean {
  return (countries.includes('*') || countries.includes(country)) && !except.includes(country)
}

function allowsActor({ actors }: PaymentRule, actor: Actor): boolean {
  return actors === null || actors.includes(actor)
}

function allowsCurrency({ currency }: PaymentRule, wanted: string): boolean {
  return currency === '*' || currency === wanted
}
