import { actors } from '../subscription/subscription.ts'
import type { PaymentRule, Term } from './payment-terms.ts'
import type { SourceReader } from './source-reader.ts'

const METHODS = ['credit_card', 'pix', 'card', 'paypal', 'partner'] as const

/** A length that may be bought, with its discount. */
export function parseTerm(reader: SourceReader): Term {
  reader.ignore('assumed')
  const term = {
    months: reader.bounded('months', 1_200),
    discountPercent: reader.amount('discountPercent', 0),
  }
  if (term.months === 0) reader.fault('months', 'must be at least 1')
  if (term.discountPercent > 100) reader.fault('discountPercent', 'must be 0 … 100')
  return term
}

/** A row of the table of who may pay how. */
export function parsePaymentRule(reader: SourceReader): PaymentRule {
  reader.ignore('assumed')
  const rule: PaymentRule = {
    countries: reader.texts('countries'),
    except: reader.texts('except', []),
    currency: reader.text('currency'),
    methods: reader.texts('methods'),
    installments: reader.texts('installments', []),
    autoRenewOff: reader.texts('autoRenewOff', []),
    actors: reader.has('actors') ? reader.texts('actors') : null,
  }
  for (const [property, methods] of Object.entries({
    methods: rule.methods,
    installments: rule.installments,
    autoRenewOff: rule.autoRenewOff,
  })) {
    const unknown = methods.find((method) => !METHODS.some((known) => known === method))
    if (unknown !== undefined) reader.fault(property, `"${unknown}" is not one of ${METHODS.join(', ')}`)
  }
  const stranger = rule.actors?.find((actor) => !actors.some((known) => known === actor))
  if (stranger !== undefined) reader.fault('actors', `"${stranger}" is not one of ${actors.join(', ')}`)
  if (!/^([A-Z]{3}|\*)$/.test(rule.currency))
    reader.fault('currency', 'must be three capitals such as USD, or * for any')
  return rule
}
