import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, renewalWith, START } from '../../test/helpers/facts.ts'
import { randomHistory } from '../../test/helpers/histories.ts'
import { seededRandom, seedOfRun } from '../../test/helpers/random.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import { accessEndOf } from './access.ts'
import { foldVersions } from './fold.ts'
import type { RulesAt } from './rules-in-force.ts'
import type { AcceptedSubscription, Order, SubscriptionEvent } from './subscription.ts'

/** An order is paid once; a version that carries it again, paid as it was, says no more than one that carries none. */
const rules = defaultCatalogue()
const BOUGHT: Order = {
  ...renewalWith({ attempt: null }),
  orderId: 'o1',
  kind: 'purchase',
  status: 'paid',
  placedAt: START,
  paidAt: START,
}
const RENEWAL = renewalWith()
const NEXT_END = END + 180 * DAY_MS

interface Taken {
  readonly subscription: AcceptedSubscription
  readonly codes: readonly string[]
  /** Versions with which a flow window begins. */
  readonly windows: readonly number[]
}

/** What is in force after a purchase that was paid by `BOUGHT`, and what was said of each version. */
function taken(changes: readonly Change[], rulesAt: RulesAt = () => rules): Taken {
  const [first, ...later] = versionsAfter(...changes)
  if (first === undefined) throw new Error('no purchase')
  const folded = foldVersions([{ ...first, order: BOUGHT }, ...later], rulesAt)
  const { subscription } = folded.state
  if (subscription === null) throw new Error('nothing was accepted')
  const said = [...folded.changes]
  return {
    subscription,
    codes: said.flatMap(([, { refusals }]) => refusals.map(({ code }) => code)),
    windows: said.flatMap(([version, { windowStart }]) => (windowStart === null ? [] : [version])),
  }
}

/** The same changes twice: the last one carries no order, and the one that was paid with the first version. */
function bothWays(changes: readonly Change[], last: Change, rulesAt?: RulesAt): readonly [Taken, Taken] {
  const [without, restating] = [null, BOUGHT].map((order) => taken([...changes, { ...last, order }], rulesAt))
  if (without === undefined || restating === undefined) throw new Error('two ways')
  return [without, restating]
}

describe('a paid order that a version merely restates', () => {
  test('S1: leaves a renewal open that was tried in time, with its processing window', () => {
    const tried: Change = {
      type: 'payment_failed',
      actor: 'system',
      occurredAt: END - 5 * MINUTE_MS,
      order: RENEWAL,
    }
    const seats: Change = { type: 'seats_changed', occurredAt: END - MINUTE_MS, is: { seats: 3 } }
    const [without, restating] = bothWays([tried], seats)
    expect(restating).toEqual(without)
    expect(restating.subscription.openOrder?.orderId).toBe('o2')
    expect(accessEndOf(restating.subscription, rules)).toBe(END + 10 * MINUTE_MS)
    const retried = { ...RENEWAL, orderId: 'o3', attempt: null }
    const pending: Change = { occurredAt: END - MINUTE_MS, order: retried }
    const closed: Change = { occurredAt: END + MINUTE_MS, order: { ...retried, status: 'failed' } }
    const again = taken([tried, { ...seats, order: BOUGHT }, pending, closed])
    expect(again.subscription.openOrder?.orderId).toBe('o2')
  })
  test('S3: states no term: seats beside a short one that support sold are taken', () => {
    const short: Change = { type: 'extended', actor: 'support', is: { termMonths: 3 } }
    const [without, restating] = bothWays([short], { type: 'seats_changed', is: { seats: 9 } })
    expect(restating).toEqual(without)
    expect(restating).toMatchObject({ codes: [], subscription: { seats: 9, termMonths: 3 } })
  })
  test('S3, S8: states no term: a cancel is taken though the shortest term has become longer', () => {
    const longer = { ...rules, terms: rules.terms.filter(({ months }) => months >= 9) }
    const rulesAt: RulesAt = (at) => (at > START ? longer : rules)
    const cancel: Change = { type: 'cancel_scheduled', is: { cancelAtPeriodEnd: true } }
    const [without, restating] = bothWays([], cancel, rulesAt)
    expect(restating).toEqual(without)
    expect(restating).toMatchObject({ codes: [], subscription: { cancelAtPeriodEnd: true } })
  })
  test('S13: is no purchase after a lapse: expired leaves the pin, and the paid renewal keeps it', () => {
    const expired: Change = {
      type: 'expired',
      actor: 'system',
      occurredAt: END + DAY_MS,
      is: { status: 'expired' },
    }
    const [without, restating] = bothWays([], expired)
    expect(restating).toEqual(without)
    const renewed: Change = {
      type: 'renewed',
      occurredAt: END + 2 * DAY_MS,
      order: { ...RENEWAL, status: 'paid' },
      is: { status: 'active', periodEnd: NEXT_END },
    }
    expect(taken([{ ...expired, order: BOUGHT }, renewed]).subscription).toMatchObject({
      planSince: START,
      periodEnd: NEXT_END,
    })
  })
  test('S16: is no purchase after a lapse: no flow window begins', () => {
    const changed: Change = { type: 'auto_renew_changed', occurredAt: END + DAY_MS, is: { autoRenew: false } }
    const [without, restating] = bothWays([], changed)
    expect(restating).toEqual(without)
    expect(restating.windows).toEqual([1])
  })
  test('S7: is paid by the version of support that takes it, where it was refused before', () => {
    const pix: Order = { ...BOUGHT, orderId: 'o4', method: 'pix', currency: 'BRL', placedAt: END }
    const refused: Change = {
      type: 'payment_succeeded',
      occurredAt: END + 1,
      order: pix,
      is: { periodEnd: NEXT_END },
    }
    expect(taken([{ ...refused, is: {} }]).windows).toEqual([1])
    expect(
      taken([
        { ...refused, is: {} },
        { ...refused, actor: 'support' },
      ]).windows,
    ).toEqual([1, 3])
  })
})

test('G18: which version pays goes by their numbers: one that comes late takes it from the one that restates', () => {
  const order: Order = { ...BOUGHT, orderId: 'o5', placedAt: END }
  const paid: Change = { type: 'payment_succeeded', occurredAt: END + DAY_MS, order }
  const versions = versionsAfter(paid, { ...paid, occurredAt: END + 2 * DAY_MS })
  const windows = (arrived: readonly (SubscriptionEvent | undefined)[]): readonly number[] =>
    [
      ...foldVersions(
        arrived.filter((one) => one !== undefined),
        () => rules,
      ).changes,
    ].flatMap(([version, { windowStart }]) => (windowStart === null ? [] : [version]))
  const [first, second, third] = versions
  expect(windows([first, third])).toEqual([1, 3])
  expect(windows([first, third, second])).toEqual([1, 2])
})

/** What each version came to, without the sentences of its refusals, which may name its order. */
function saidOf(versions: readonly SubscriptionEvent[]): readonly string[] {
  const { changes } = foldVersions(versions, () => rules)
  return [...changes.values()].map(({ refusals, ...said }) =>
    JSON.stringify({ ...said, codes: refusals.map(({ code }) => code) }),
  )
}

test('a history in which versions restate what was paid before comes to the same as one in which they do not', () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  let restated = 0
  for (let round = 0; round < 300; round += 1) {
    const history = randomHistory({ workspace: 'acme', length: 20, start: START, below })
    const restating: SubscriptionEvent[] = []
    for (const event of history) {
      const orders =
        event.order === null ? Object.values(foldVersions(restating, () => rules).state.orders) : []
      const known = orders.filter(({ status, refused }) => status === 'paid' && refused === null)
      const { refused: _, ...again } = known[below(known.length || 1)] ?? { refused: null }
      const isRestated = known.length > 0
      restating.push(isRestated ? { ...event, order: again as Order } : event)
      if (isRestated) restated += 1
    }
    const [plain, other] = [history, restating].map((events) => saidOf(events))
    const first = plain?.findIndex((one, index) => one !== other?.[index]) ?? 0
    expect(other?.[first], `seed ${seed}, round ${round}, version ${first + 1}`).toBe(plain?.[first])
  }
  expect(restated).toBeGreaterThan(100)
})
