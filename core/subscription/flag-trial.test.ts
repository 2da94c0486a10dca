import { describe, expect, test } from 'vitest'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { DAY_MS } from '../instant.ts'
import { addMonths } from './add-months.ts'
import { flagTrial } from './flag-trial.ts'
import { foldVersions } from './fold.ts'
import type { Actor, Subscription, SubscriptionEvent } from './subscription.ts'

const catalogue = defaultCatalogue()
const TRIAL_END = START + 14 * DAY_MS
const trial = subscriptionWith({ status: 'trialing', plan: 'trial', periodEnd: TRIAL_END })

function event(is: Partial<Subscription>, occurredAt: number, actor: Actor = 'customer'): SubscriptionEvent {
  const named = { id: 'v2', workspace: 'acme', version: 2, type: 'purchased', order: null }
  return { ...named, occurredAt, actor, subscription: { ...trial, ...is } }
}

describe('trial: its days are flagged, never computed', () => {
  const flags = (is: Partial<Subscription>, day: number, actor?: Actor): readonly string[] =>
    flagTrial(trial, event(is, START + day * DAY_MS, actor), catalogue.trial).map(({ code }) => code)

  test.for([
    [13, ['trial_length']],
    [14, []],
    [15, ['trial_length']],
    [30, ['trial_length']],
  ] as const)('a trial of %i days: %j', ([days, expected]) => {
    expect(flags({ periodEnd: START + days * DAY_MS }, 0)).toEqual(expected)
    expect(flags({ periodEnd: START + days * DAY_MS }, 0, 'support')).toEqual([])
  })

  test('the sentence names both lengths', () => {
    const [warning] = flagTrial(null, event({ periodEnd: START + 30 * DAY_MS }, START), catalogue.trial)
    expect(warning?.reason).toMatch(/runs 30 days, .* the catalogue says 14/)
  })

  const bought = (day: number, extraDays: number): Partial<Subscription> => {
    const periodStart = START + day * DAY_MS
    const periodEnd = addMonths(periodStart, 6) + extraDays * DAY_MS
    return { status: 'active', plan: 'base', termMonths: 6, periodStart, periodEnd }
  }
  test.for([
    ['bought on day 4 with the 10 days that were left', 4, 10, []],
    ['counted in whole days', 4, 9, []],
    ['bought on day 4, the 10 days lost', 4, 0, ['trial_days_lost']],
    ['some of them lost', 4, 7, ['trial_days_lost']],
    ['bought on the last day', 13.5, 0, []],
    ['bought after the trial', 20, 0, []],
  ] as const)('S6: %s: %j', ([, day, extra, expected]) => {
    expect(flags(bought(day, extra), day)).toEqual(expected)
  })

  test('a period that begins where the trial ends holds them, too', () => {
    const is = { ...bought(4, 0), periodStart: TRIAL_END, periodEnd: addMonths(TRIAL_END, 6) }
    expect(flags(is, 4)).toEqual([])
  })

  test('the state is applied as it was sent', () => {
    const first = { ...event({ periodEnd: START + 30 * DAY_MS }, START), version: 1, type: 'trial_started' }
    const { state, changes } = foldVersions([first, event(bought(4, 0), START + 4 * DAY_MS)], () => catalogue)
    expect(state.subscription).toMatchObject({ status: 'active', periodEnd: bought(4, 0).periodEnd })
    const codes = [...changes.values()].flatMap(({ warnings }) => warnings.map(({ code }) => code))
    expect(codes).toEqual(['trial_length', 'trial_days_lost'])
    expect([...changes.values()].flatMap(({ refusals }) => refusals)).toEqual([])
  })
})
