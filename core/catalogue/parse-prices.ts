import { isAmount } from '../amount.ts'
import type { Prices } from './price.ts'
import type { SourceReader } from './source-reader.ts'

/** The `prices` of a plan version or an add-on: minor units by currency; null where it states none. */
export function parsePrices(reader: SourceReader): Prices | null {
  if (!reader.has('prices')) return null
  const raw = reader.raw('prices')
  const isObject = typeof raw === 'object' && raw !== null && !Array.isArray(raw)
  if (!isObject) reader.fault('prices', 'must be an object of minor units by currency')
  const money = Object.entries(isObject ? raw : {}).filter(([currency]) => currency !== 'assumed')
  for (const [currency, price] of money) {
    if (!/^[A-Z]{3}$/.test(currency)) reader.fault(`prices.${currency}`, 'must be an ISO 4217 code')
    if (!isAmount(price)) reader.fault(`prices.${currency}`, 'must be whole minor units from 0')
  }
  return Object.fromEntries(money)
}
