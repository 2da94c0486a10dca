import { describe, expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import type { Decision } from '../entitlement/decision.ts'
import { MINUTE_MS } from '../instant.ts'
import { type DecisionCount, mergeCounts } from './decision-count.ts'
import { ALLOWS_PER_SAMPLE, DecisionGatherer } from './decision-gatherer.ts'

const START = Date.parse('2026-11-23T14:02:00Z')

function decision(change: Partial<Decision> = {}): Decision {
  return {
    allowed: false,
    reason: 'limit_reached',
    workspace: 'acme',
    feature: 'leads',
    quantity: 1 as Amount,
    limit: 10 as Amount,
    used: 10 as Amount,
    held: 0 as Amount,
    remaining: 0 as Amount,
    unlimited: false,
    window: null,
    resetsAt: null,
    plan: 'base',
    planVersion: '2020-01-01',
    status: 'active',
    overLimit: null,
    unblock: [],
    trace: [{ step: 'verdict', detail: 'denied: 11 > 10' }],
    asOf: START,
    lagMs: 0,
    exact: true,
    degraded: false,
    ...change,
  }
}

function words(counts: readonly DecisionCount[]): readonly string[] {
  return counts.map(
    ({ feature, reason, allowed, minute, count }) =>
      `${(minute - START) / MINUTE_MS} ${feature} ${reason} ${allowed ? 'allowed' : 'denied'} ${count}`,
  )
}

describe('denials are counted by workspace, feature, reason and minute', () => {
  test('the last one of the minute says why', () => {
    const gatherer = new DecisionGatherer()
    gatherer.note(decision(), START)
    gatherer.note(decision({ used: 12 as Amount }), START + MINUTE_MS - 1)
    gatherer.note(decision({ feature: 'ai_agent', reason: 'feature_not_in_plan' }), START + 1)
    gatherer.note(decision(), START + MINUTE_MS)
    const { counts } = gatherer.take()
    expect(words(counts)).toEqual([
      '0 leads limit_reached denied 2',
      '0 ai_agent feature_not_in_plan denied 1',
      '1 leads limit_reached denied 1',
    ])
    expect(counts[0]?.last).toMatchObject({ at: START + MINUTE_MS - 1, used: 12, why: 'denied: 11 > 10' })
    expect(gatherer.take().counts).toEqual([])
  })

  test('a denial in shadow mode is counted apart from one that was carried out', () => {
    const gatherer = new DecisionGatherer()
    gatherer.note(decision(), START)
    gatherer.note(decision({ allowed: true }), START)
    expect(words(gatherer.take().counts)).toEqual([
      '0 leads limit_reached denied 1',
      '0 leads limit_reached allowed 1',
    ])
  })
})

test('of allows one in a hundred is kept, the first among them', () => {
  const gatherer = new DecisionGatherer()
  const allow = decision({ allowed: true, reason: 'within_limit' })
  for (let index = 0; index < 2 * ALLOWS_PER_SAMPLE + 1; index += 1) gatherer.note(allow, START)
  expect(words(gatherer.take().counts)).toEqual(['0 leads within_limit allowed 3'])
})

test('memory is bounded: beyond it new kinds are dropped and counted, known ones still count', () => {
  const gatherer = new DecisionGatherer(2)
  for (const workspace of ['a', 'b', 'c', 'a', 'd']) gatherer.note(decision({ workspace }), START)
  const { counts, dropped } = gatherer.take()
  expect(counts.map(({ workspace, count }) => `${workspace} ${count}`)).toEqual(['a 2', 'b 1'])
  expect(dropped).toBe(2)
  gatherer.note(decision({ workspace: 'c' }), START)
  expect(gatherer.take()).toMatchObject({ counts: [{ workspace: 'c' }], dropped: 0 })
})

test('counts of several processes become one, whatever their order', () => {
  const [first, second] = [new DecisionGatherer(), new DecisionGatherer()]
  first.note(decision(), START)
  second.note(decision({ used: 12 as Amount }), START + 5)
  second.note(decision(), START + MINUTE_MS)
  const counts = [...first.take().counts, ...second.take().counts]
  const wanted = ['1 leads limit_reached denied 1', '0 leads limit_reached denied 2']
  expect(words(mergeCounts(counts))).toEqual(wanted)
  expect(mergeCounts(counts.toReversed())).toEqual(mergeCounts(counts))
})
