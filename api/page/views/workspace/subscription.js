import { h } from '../../dom.js'
import { counted, day, fromNow, minute, words } from '../../format.js'
import { badge, empty, older, tile } from '../../parts.js'
import { standingOf } from '../../sentences.js'

/** What is in force, how far the period has come, and every version that led there, newest first. */
export function timeline({ current, history, cursor }, now) {
  if (current === null && history.length === 0)
    return empty('No subscription', 'Billing sent none for this workspace.')
  return [
    current !== null && inForce(current),
    current !== null && periodOf(current, now),
    h('h3', {}, 'What happened'),
    h(
      'ol.timeline.scroll',
      { id: 'versions', tabindex: '0', 'aria-label': 'Versions of the subscription' },
      ...history.map((version) => versionOf(version, now)),
    ),
    older(cursor !== null, history.length),
  ]
}

function inForce({ plan, seats, termMonths, paymentMethod, autoRenew, cancelAtPeriodEnd, addOns, country }) {
  const renewal = cancelAtPeriodEnd
    ? 'ends with the period'
    : autoRenew
      ? 'renews by itself'
      : 'renewed by hand'
  const packs = addOns.map(({ key, quantity }) => `${quantity} × ${words(key)}`).join(', ')
  return h(
    'dl.tiles',
    {},
    tile('Plan', words(plan)),
    tile('Seats', String(seats)),
    tile('Term', termMonths === 0 ? 'trial' : counted(termMonths, 'month')),
    tile('Renewal', renewal),
    tile('Paid by', paymentMethod === null ? '–' : words(paymentMethod), { detail: country }),
    packs !== '' && tile('Packs', packs),
  )
}

/** The billing period as a line with today on it, or the end of access where that came first. */
function periodOf(current, now) {
  const { periodStart, periodEnd, access, accessEndsAt } = current
  const [start, end] = [Date.parse(periodStart), Date.parse(periodEnd)]
  const until = Math.min(now, Date.parse(accessEndsAt))
  const done = Math.min(Math.max((until - start) / Math.max(end - start, 1), 0), 1) * 100
  const isGranted = access !== 'pending'
  const isOver = Date.parse(accessEndsAt) <= now
  const standing = standingOf(current, now)
  return h(
    'div.period',
    {},
    h(
      `div.period-line${isOver ? '.over' : ''}`,
      {
        role: 'img',
        'aria-label': `Billing period: ${day(periodStart)} to ${day(periodEnd)}; ${standing}`,
        vars: { done: `${done}%` },
      },
      isGranted && h('span.period-done'),
      isGranted && h('span.period-now'),
    ),
    h(
      'p.period-ends',
      {},
      h('span', {}, day(periodStart)),
      h('strong', {}, standing),
      h('span', {}, day(periodEnd)),
    ),
  )
}

function versionOf({ version, type, actor, occurredAt, orderId, inForce: left, refusals }, now) {
  const state =
    left === null
      ? null
      : `${words(left.plan)}, ${counted(left.seats, 'seat')}, ${words(left.status).toLowerCase()}`
  const order = orderId === null ? '' : `, order ${orderId}`
  return h(
    `li${refusals.length > 0 ? '.refused' : ''}`,
    {},
    h(
      'div.version-head',
      {},
      h('strong', {}, words(type)),
      badge(actor, actor === 'support' ? 'info' : 'plain'),
      h(
        'time',
        { datetime: occurredAt, title: minute(occurredAt) },
        `${day(occurredAt)} (${fromNow(occurredAt, now)})`,
      ),
    ),
    h('p.about', {}, `Version ${version}${order}${state === null ? '' : `: ${state}`}`),
    ...refusals.map(({ code, reason }) => h('p.refusal', {}, badge(words(code), 'bad'), ` ${reason}`)),
  )
}
