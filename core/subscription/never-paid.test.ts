import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS, HOUR_MS, type Instant } from '../instant.ts'
import { accessOf } from './access.ts'
import { windowAt } from './billing-window.ts'
import { type FoldedVersions, foldVersions } from './fold.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** `expired` says that time has run out: of what was never paid it does not make something that was. */
const rules = defaultCatalogue()
const TRIAL_END = START + 14 * DAY_MS
const EXPIRED_AT = START + 13 * DAY_MS
const BOUGHT_AT = EXPIRED_AT + HOUR_MS

const TRIAL: Change = {
  type: 'trial_started',
  occurredAt: START,
  is: { subscriptionId: 't1', status: 'trialing', plan: 'trial', termMonths: 0, periodEnd: TRIAL_END },
}
const EXPIRED: Change = {
  type: 'expired',
  actor: 'system',
  occurredAt: EXPIRED_AT,
  is: { status: 'expired' },
}
const BOUGHT: Change = {
  type: 'purchased',
  occurredAt: BOUGHT_AT,
  is: { status: 'active', plan: 'base', termMonths: 6, periodEnd: END },
}

/** The fold of versions of which the first one is what a workspace begins with. */
function folded(...changes: readonly Change[]): FoldedVersions {
  const [, ...versions] = versionsAfter(...changes)
  return foldVersions(versions, () => rules)
}

function accepted(...changes: readonly Change[]): AcceptedSubscription {
  return folded(...changes).state.subscription ?? subscriptionWith()
}

function codesOf({ changes }: FoldedVersions): readonly string[] {
  return [...changes.values()].flatMap(({ refusals }) => refusals.map(({ code }) => code))
}

function accessAround(subscription: AcceptedSubscription, instant: Instant): readonly string[] {
  return [accessOf(subscription, instant - 1, rules), accessOf(subscription, instant, rules)]
}

describe.for(['system', 'support'] as const)('a trial that the %s calls expired before its end', (actor) => {
  const expired: Change = { ...EXPIRED, actor }

  test('S16: goes on to its last millisecond', () => {
    expect(accessAround(accepted(TRIAL, expired), TRIAL_END)).toEqual(['active', 'lapsed'])
  })
  test('S2: is another one than an expired subscription under another id', () => {
    const other = { ...expired, is: { ...expired.is, subscriptionId: 's9' } }
    expect(accepted(TRIAL, other)).toMatchObject({ subscriptionId: 's9', status: 'expired' })
  })
  test('S2: is replaced by a purchase under another id', () => {
    const bought = folded(TRIAL, expired, { ...BOUGHT, is: { ...BOUGHT.is, subscriptionId: 'p1' } })
    expect(codesOf(bought)).toEqual([])
    expect(bought.state.subscription).toMatchObject({
      subscriptionId: 'p1',
      plan: 'base',
      planSince: BOUGHT_AT,
    })
  })
  test('S14: a purchase begins a new flow window, under its own id too', () => {
    const bought = accepted(TRIAL, expired, BOUGHT)
    expect(bought).toMatchObject({ status: 'active', windowStartsAt: BOUGHT_AT })
    expect(windowAt(bought, BOUGHT_AT).from).toBe(BOUGHT_AT)
  })
  test('S15: a plan, seats and a term may be chosen anew', () => {
    const is = { ...BOUGHT.is, seats: 1, periodEnd: TRIAL_END - 1 }
    const granted = { ...TRIAL, is: { ...TRIAL.is, plan: 'enterprise', seats: 9 } }
    expect(codesOf(folded(granted, expired, { ...BOUGHT, is }))).toEqual([])
  })
})

describe('a first purchase that was never paid and is called expired', () => {
  const UNPAID: Change = { type: 'payment_pending', occurredAt: START, is: { status: 'payment_pending' } }

  test('S1: it grants nothing', () => {
    expect(accessAround(accepted(UNPAID, EXPIRED), END)).toEqual(['pending', 'pending'])
  })
  test('S2: another one may be bought', () => {
    const bought = folded(UNPAID, EXPIRED, { ...BOUGHT, is: { ...BOUGHT.is, subscriptionId: 'p1' } })
    expect(codesOf(bought)).toEqual([])
    expect(bought.state.subscription).toMatchObject({ subscriptionId: 'p1', windowStartsAt: BOUGHT_AT })
  })
})

describe('S2: another trial, granted by support', () => {
  const AGAIN_AT = START + 60 * DAY_MS
  const AGAIN_END = AGAIN_AT + 14 * DAY_MS
  const AGAIN: Change = {
    type: 'trial_started',
    actor: 'support',
    occurredAt: AGAIN_AT,
    is: { subscriptionId: 't2', periodStart: AGAIN_AT, periodEnd: AGAIN_END },
  }
  const seats: Change = { type: 'seats_changed', occurredAt: AGAIN_AT + DAY_MS, is: { seats: 7 } }

  test('S2: it may change while it runs, like the first one, and be restated after it', () => {
    expect(codesOf(folded(TRIAL, AGAIN, seats))).toEqual([])
    expect(accepted(TRIAL, AGAIN, seats)).toMatchObject({ subscriptionId: 't2', seats: 7 })
    expect(codesOf(folded(TRIAL, AGAIN, { ...seats, occurredAt: AGAIN_END + DAY_MS }))).toEqual([])
  })
  test('S2: it is the last one: neither a third nor the first begins after it', () => {
    for (const subscriptionId of ['t1', 't3'])
      expect(codesOf(folded(TRIAL, AGAIN, { ...seats, is: { subscriptionId } }))).toEqual(['trial_repeated'])
  })
  test('G18: a change of it that comes before it, and is refused then, is taken once it is there', () => {
    const [, ...versions] = versionsAfter(TRIAL, AGAIN, seats)
    const late = [versions[0], versions[2], versions[1]].filter((version) => version !== undefined)
    expect(codesOf(foldVersions(late.slice(0, 2), () => rules))).toEqual(['trial_repeated'])
    expect(foldVersions(late, () => rules)).toEqual(foldVersions(versions, () => rules))
    expect(codesOf(foldVersions(late, () => rules))).toEqual([])
  })
})

test('S16: what was paid and is called expired before its end goes on as it was', () => {
  const paid = { ...BOUGHT, occurredAt: START }
  expect(accepted(paid, EXPIRED)).toMatchObject({ status: 'expired', windowStartsAt: START })
  expect(accessAround(accepted(paid, EXPIRED), END)).toEqual(['active', 'lapsed'])
  expect(accepted(paid, EXPIRED, { is: { status: 'active' } }).windowStartsAt).toBe(START)
  expect(codesOf(folded(paid, EXPIRED, { ...BOUGHT, is: { subscriptionId: 'p1' } }))).toEqual([
    'second_subscription',
  ])
})
