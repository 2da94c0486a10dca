import type { PaymentRule } from '../catalogue/payment-terms.ts'
import { rulesFor } from '../subscription/payment-rules.ts'
import type { Subscription } from '../subscription/subscription.ts'

/** How a workspace would pay (S7): one currency, and the methods that take it. */
export interface PaymentWay {
  readonly currency: string
  readonly methods: readonly string[]
  /** Methods that may be paid in instalments. */
  readonly installments: readonly string[]
  /** Methods for which auto-renew is off unless asked for (S11). */
  readonly autoRenewOff: readonly string[]
}

/**
 * The way a workspace pays: the row of the table that its own method and currency stand in, else the first one
 * that customers of its country may use; null when there is none.
 */
export function paymentWayOf(
  { country, currency, paymentMethod }: Subscription,
  rules: readonly PaymentRule[],
): PaymentWay | null {
  const rows = rulesFor(rules, country)
  const own = rows.find(
    (rule) => (rule.currency === '*' || rule.currency === currency) && rule.methods.includes(paymentMethod),
  )
  const row = own ?? rows.find(({ actors }) => actors === null)
  if (row === undefined) return null
  const { methods, installments, autoRenewOff } = row
  return { currency: row.currency === '*' ? currency : row.currency, methods, installments, autoRenewOff }
}
