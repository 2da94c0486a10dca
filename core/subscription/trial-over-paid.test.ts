import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS } from '../instant.ts'
import { type FoldedVersions, foldVersions } from './fold.ts'

/** A workspace that bought base, two seats for six months, without a trial before it. */
const rules = defaultCatalogue()
const TRIAL: Change = {
  type: 'trial_started',
  actor: 'system',
  is: { status: 'trialing', plan: 'trial', termMonths: 0, periodEnd: START + 15 * DAY_MS },
}

function folded(...changes: readonly Change[]): FoldedVersions {
  return foldVersions(versionsAfter(...changes), () => rules)
}

function codesOf(...changes: readonly Change[]): readonly string[] {
  return [...folded(...changes).changes.values()].flatMap(({ refusals }) => refusals.map(({ code }) => code))
}

describe('a first trial, stated of what is paid', () => {
  const asBought = { status: 'active', plan: 'base', termMonths: 6, periodEnd: END } as const

  test('S2: is refused whole, to the last millisecond of the paid time', () => {
    for (const occurredAt of [START + DAY_MS, END - 1]) {
      expect(codesOf({ ...TRIAL, occurredAt })).toEqual(['trial_repeated'])
      expect(folded({ ...TRIAL, occurredAt }).state).toMatchObject({
        trialOf: null,
        subscription: { ...asBought, version: 1 },
      })
    }
  })
  test('S5, S15: opens no way to shorten the term or to take seats off, nor S2: to another subscription', () => {
    const less: Change = { actor: 'customer', is: { ...asBought, seats: 1, periodEnd: START + 3 * DAY_MS } }
    expect(codesOf(TRIAL, less)).toEqual(['trial_repeated', 'seats_need_support', 'term_shortened'])
    const other: Change = { type: 'purchased', is: { ...asBought, subscriptionId: 's2' } }
    expect(codesOf(TRIAL, other)).toEqual(['trial_repeated', 'second_subscription'])
  })
  test('S2: is taken after the lapse, of what was never paid, and where support grants it', () => {
    const unpaid: Change = { actor: 'support', is: { status: 'payment_pending' } }
    const after = { ...TRIAL, occurredAt: END, is: { ...TRIAL.is, periodEnd: END + 14 * DAY_MS } }
    for (const changes of [[after], [unpaid, TRIAL], [{ ...TRIAL, actor: 'support' } as const]]) {
      expect(codesOf(...changes)).toEqual([])
      expect(folded(...changes).state).toMatchObject({ trialOf: 's1', subscription: { status: 'trialing' } })
    }
  })
})
