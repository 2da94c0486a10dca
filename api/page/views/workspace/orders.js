import { h } from '../../dom.js'
import { day, money, words } from '../../format.js'
import { badge, empty, older, table } from '../../parts.js'

const kinds = { paid: 'good', pending: 'warn', failed: 'bad', refunded: 'info' }
const heads = [
  { text: 'Order', kind: 'first' },
  { text: 'For', kind: 'end' },
  { text: 'Amount', kind: 'figure' },
  { text: 'Method', kind: 'end' },
  { text: 'Placed' },
  { text: 'State', kind: 'end' },
]

/** Orders, newest first. */
export function orderTable({ orders, cursor }) {
  if (orders.length === 0) return empty('No orders', 'No version of the subscription carried one.')
  const rows = orders.map((order) => [
    h('code', {}, order.orderId),
    words(order.kind),
    money(order.amountMinor, order.currency),
    `${words(order.method)}${order.installments > 1 ? ` × ${order.installments}` : ''}`,
    day(order.placedAt),
    stateOf(order),
  ])
  return [h('div.stack', {}, table({ label: 'Orders', heads, rows })), older(cursor !== null, orders.length)]
}

function stateOf({ status, attempt, refused }) {
  if (refused !== null) return [badge('refused', 'bad'), h('small', {}, refused)]
  const reason = attempt?.reason ?? null
  return [badge(words(status), kinds[status] ?? 'plain'), reason !== null && h('small', {}, reason)]
}
