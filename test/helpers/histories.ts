import { DAY_MS, MINUTE_MS } from '#core/instant.ts'
import type { Order, Subscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import {
  actors,
  changeTypes,
  orderKinds,
  orderStatuses,
  subscriptionStatuses,
} from '#core/subscription/subscription.ts'

/** A number below another, as `seededRandom` gives them. */
export type Below = (limit: number) => number

interface HistoryWish {
  readonly workspace: string
  readonly length: number
  /** When the first version happens; the rest follow by minutes. */
  readonly start: number
  readonly below: Below
}

/** Versions of one workspace as a confused billing might send them: valid to read, often against the rules. */
export function randomHistory({
  workspace,
  length,
  start,
  below,
}: HistoryWish): readonly SubscriptionEvent[] {
  const pick = <Value>(values: readonly [Value, ...Value[]] | readonly Value[]): Value => {
    const value = values[below(values.length)]
    if (value === undefined) throw new RangeError('nothing to pick from')
    return value
  }
  let state = firstState(start)
  return Array.from({ length }, (_, index): SubscriptionEvent => {
    const occurredAt = start + index * MINUTE_MS + below(MINUTE_MS)
    state = { ...state, ...changeOf({ pick, below, occurredAt, start }) }
    return {
      id: `v${index + 1}`,
      workspace,
      version: index + 1,
      occurredAt,
      type: pick(changeTypes),
      actor: pick([...actors, 'customer', 'customer']),
      subscription: state,
      order: below(3) > 0 ? null : orderOf({ pick, below, occurredAt, start }),
    }
  })
}

function firstState(start: number): Subscription {
  return {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: start,
    seats: 2,
    termMonths: 6,
    periodStart: start,
    periodEnd: start + 180 * DAY_MS,
    anchorDay: 10,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
  }
}

interface Draw {
  readonly pick: <Value>(values: readonly Value[]) => Value
  readonly below: Below
  readonly occurredAt: number
  readonly start: number
}

/** One or a few fields of what is in force, changed. */
function changeOf({ pick, below, occurredAt, start }: Draw): Partial<Subscription> {
  const from = start + below(3) * MINUTE_MS
  const pack = { key: pick(['ai_credits_5000', 'ai_credits_5000', 'gone']), quantity: 1 + below(3), from }
  const changes: readonly Partial<Subscription>[] = [
    {},
    { plan: pick(['trial', 'base', 'advanced', 'pro', 'enterprise', 'gone']) },
    { seats: 1 + below(9) },
    { status: pick([...subscriptionStatuses, 'active', 'active']) },
    { subscriptionId: pick(['s1', 's1', 's2']) },
    { periodEnd: pick([occurredAt - MINUTE_MS, occurredAt + MINUTE_MS, start + (170 + below(20)) * DAY_MS]) },
    { termMonths: pick([3, 6, 12]) },
    { anchorDay: 1 + below(31) },
    { cancelAtPeriodEnd: below(2) === 0 },
    { country: pick(['US', 'BR', 'DE']) },
    { planSince: occurredAt },
    { addOns: [{ ...pack, until: from + pick([60, 100, 200]) * DAY_MS }] },
  ]
  const drawn = { ...pick(changes), ...pick(changes) }
  return drawn.periodEnd !== undefined && drawn.periodEnd <= start ? {} : drawn
}

function orderOf({ pick, below, occurredAt }: Draw): Order {
  const state = pick(['processing', 'failed', 'succeeded'])
  const attempt = { state, at: occurredAt - below(5) * MINUTE_MS, reason: null }
  return {
    orderId: `o${below(4)}`,
    kind: pick(orderKinds),
    status: pick(orderStatuses),
    amountMinor: below(100_000),
    currency: pick(['USD', 'BRL', 'EUR']),
    method: pick(['card', 'paypal', 'pix', 'credit_card', 'partner']),
    installments: 1 + below(2),
    placedAt: occurredAt - below(10) * MINUTE_MS,
    paidAt: below(2) === 0 ? occurredAt : null,
    attempt: below(2) === 0 ? attempt : null,
  }
}

/** The same values in a random order, each `times` times. */
export function shuffled<Value>(
  values: readonly Value[],
  { below, times }: { below: Below; times: number },
): Value[] {
  const all = Array.from({ length: times }, () => values).flat()
  for (let last = all.length - 1; last > 0; last -= 1) {
    const other = below(last + 1)
    const [a, b] = [all[last], all[other]]
    if (a === undefined || b === undefined) throw new RangeError('no such place')
    all[last] = b
    all[other] = a
  }
  return all
}
