import { describe, expect, test } from 'vitest'
import { defaultCatalogue, START } from '../../test/helpers/facts.ts'
import { randomHistory, shuffled } from '../../test/helpers/histories.ts'
import { seededRandom, seedOfRun } from '../../test/helpers/random.ts'
import { DAY_MS } from '../instant.ts'
import { foldVersions, type SubscriptionRules } from './fold.ts'
import { type DatedRules, rulesInForce, rulesOf } from './rules-in-force.ts'
import type { SubscriptionEvent } from './subscription.ts'

const rules = rulesOf(defaultCatalogue())
const LATER = START + 200 * DAY_MS
/** Everything that a revision can make stricter. */
const stricter: SubscriptionRules = {
  ...rules,
  plans: { ...rules.plans, base: { rank: 9 } },
  addOns: { ai_credits_5000: { minMonths: 24 } },
  terms: rules.terms.filter(({ months }) => months >= 12),
  payments: [],
  processingWindowMinutes: 0,
}
const asFirst: DatedRules = { since: START, rules }

function history(workspace: string, seed: number): readonly SubscriptionEvent[] {
  return randomHistory({ workspace, length: 20, start: START, below: seededRandom(seed) })
}

test('S3: a catalogue that is stored later changes nothing of what was accepted, refused or ordered', () => {
  const seed = seedOfRun()
  let differing = 0
  for (let index = 0; index < 100; index += 1) {
    const events = history(`w${index}`, seed + index)
    const last = Math.max(...events.map(({ occurredAt }) => occurredAt))
    const before = foldVersions(events, rulesInForce([asFirst]))
    const after = foldVersions(events, rulesInForce([asFirst, { since: last + 1, rules: stricter }]))
    expect(after, `seed ${seed}, w${index}`).toEqual(before)
    if (JSON.stringify(foldVersions(events, () => stricter).state) !== JSON.stringify(before.state))
      differing += 1
  }
  expect(differing, `seed ${seed}: judged anew they would differ`).toBeGreaterThan(50)
})

test('G18: with a catalogue stored in the middle, arrival order and repetition do not matter', () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  const differing = Array.from({ length: 100 }, (_, index) => {
    const events = history(`w${index}`, seed + index)
    const middle = events[10]?.occurredAt ?? LATER
    const rulesAt = rulesInForce([asFirst, { since: middle, rules: stricter }])
    const inOrder = foldVersions(events, rulesAt)
    expect(foldVersions(shuffled(events, { below, times: 2 }), rulesAt), `seed ${seed}, w${index}`).toEqual(
      inOrder,
    )
    return JSON.stringify(inOrder.state) !== JSON.stringify(foldVersions(events, () => rules).state)
  })
  expect(differing.filter((differs) => differs).length, `seed ${seed}: the new rules judge`).toBeGreaterThan(
    20,
  )
})

describe('which rules are in force', () => {
  const shortest = (at: number, dated: readonly DatedRules[]): number | undefined =>
    rulesInForce(dated)(at).terms[0]?.months

  test('from the millisecond on that a revision was stored; before the first, the first', () => {
    const dated = [asFirst, { since: LATER, rules: stricter }]
    expect([0, START, LATER - 1, LATER].map((at) => shortest(at, dated))).toEqual([6, 6, 6, 12])
  })

  test('one that was stored by a clock that ran behind counts from the one before it on', () => {
    const dated = [
      { since: LATER, rules },
      { since: START, rules: stricter },
    ]
    expect([LATER - 1, LATER].map((at) => shortest(at, dated))).toEqual([6, 12])
  })

  test('of several stored in one millisecond the last', () => {
    expect(shortest(START, [asFirst, { since: START, rules: stricter }])).toBe(12)
  })

  test('a plan that only a later revision knows is known before, as the first such revision has it', () => {
    const gold = (rank: number): SubscriptionRules => ({
      ...rules,
      plans: { ...rules.plans, gold: { rank } },
    })
    const dated = [asFirst, { since: LATER, rules: gold(7) }, { since: LATER + 1, rules: gold(8) }]
    const ranks = [START, LATER, LATER + 1].map((at) => rulesInForce(dated)(at).plans['gold']?.rank)
    expect(ranks).toEqual([7, 7, 8])
  })

  test('one that was taken away is unknown from then on, and stays known before', () => {
    const { base: _, ...others } = rules.plans
    const dated = [asFirst, { since: LATER, rules: { ...rules, plans: others } }]
    expect([START, LATER].map((at) => Object.hasOwn(rulesInForce(dated)(at).plans, 'base'))).toEqual([
      true,
      false,
    ])
  })
})
