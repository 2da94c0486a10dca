import { counted, fromNow, minute, number, words } from './format.js'

const steps = {
  history: 'Known',
  status: 'Subscription',
  plan: 'Plan',
  seats: 'Seats',
  add_ons: 'Add-on',
  override: 'Override',
  limit: 'Limit',
  counter: 'Use',
  verdict: 'Answer',
}

/** The name of a step of a trace; one that a newer API has is shown as it is. */
export function stepName(step) {
  return steps[step] ?? words(step)
}

/** A decision in a sentence. */
export function sentenceOf({ reason, limit, used, held, quantity, plan, overLimit, trace }) {
  const figures = `${number(used)} of ${number(limit)} are used${held > 0 ? ` and ${number(held)} held` : ''}`
  switch (reason) {
    case 'within_limit':
      return `${figures}.`
    case 'unlimited':
      return 'There is no limit.'
    case 'feature_on':
      return 'It is part of the plan.'
    case 'over_limit_grace':
      return `${figures}. More is tolerated ${graceOf(overLimit)}.`
    case 'limit_reached':
      return `${figures}; ${number(quantity)} more would pass the limit. Nothing is taken away.`
    case 'feature_not_in_plan':
      if (trace?.at(-1)?.data?.offBy === 'override')
        return 'It is switched off for this workspace by an exception.'
      return `It is not part of the plan${plan === null ? '' : ` ${words(plan)}`}.`
    case 'subscription_lapsed':
      return 'The subscription has ended. What is there is kept; adding is possible again once it is paid.'
    case 'payment_pending':
      return 'A payment has not arrived yet. It is possible again as soon as it does.'
    case 'read_only':
      return 'The subscription has ended. Until it is paid this can only be read.'
    case 'no_subscription':
      return 'There is no subscription.'
    default:
      return 'The counts could not be had just now; the rule of the feature decided.'
  }
}

function graceOf(overLimit) {
  const ends = overLimit?.graceEndsAt ?? null
  return ends === null ? 'for a time' : `until ${minute(ends)}`
}

/** Whether a subscription gives access, and how long it does or since when it does not. */
export function standingOf({ access, status, periodEnd, accessEndsAt }, now) {
  if (access === 'pending') return 'nothing is granted before the first payment'
  const isOver = Date.parse(accessEndsAt) <= now
  const when = `${isOver ? 'ended' : 'ends'} ${fromNow(accessEndsAt, now)}`
  if (status === 'trialing') return `trial ${when}`
  if (status === 'canceled') return `canceled, access ${when}`
  if (!isOver && Date.parse(periodEnd) <= now) return `a payment was tried, access ${when} without it`
  return `access ${when}`
}

/** What there is to know of all limits of a workspace that may not use them; null where it may. */
export function accessNote(access) {
  switch (access) {
    case 'pending':
      return 'Nothing of this is granted before the first payment.'
    case 'lapsed':
      return 'Access has ended: only what goes on after a lapse can be added to.'
    case 'none':
      return 'There is no subscription, so nothing of this is granted.'
    default:
      return null
  }
}

/** One way out of a denial as something to do. */
export function wayOut({ action, ...way }) {
  switch (action) {
    case 'add_seats':
      return `Buy ${counted(way.seats, 'more seat')}`
    case 'upgrade':
      return `Move up to the plan ${words(way.plan)}`
    case 'add_on':
      return `Buy ${counted(way.quantity, 'pack')} of ${words(way.addOn)}`
    case 'pay':
      return way.orderId === undefined ? 'Pay for the subscription' : `Pay order ${way.orderId}`
    case 'wait_until':
      return `Wait until ${minute(way.at)}, when the allowance begins anew`
    case 'remove':
      return `Remove ${number(way.quantity)} of what is there`
    case 'contact_support':
      return 'Contact support'
    default:
      return words(action)
  }
}
