import { expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import { overrideHistory } from './override-history.ts'

const NOW = 1_000
const of = (limit: number, until: number | null = null) => ({
  limit: limit as Amount,
  until,
  reason: 'pilot',
})

test('overrides: of each feature the newest change is in force, unless it took back or has ended', () => {
  const history = overrideHistory(
    [
      { feature: 'leads', override: of(5), at: 1 },
      { feature: 'ai_agents', override: of(6), at: 2 },
      { feature: 'leads', override: of(7, NOW + 1), at: 3 },
      { feature: 'ai_agents', override: null, at: 4 },
      { feature: 'ai_credits', override: of(8, NOW), at: 5 },
    ],
    NOW,
  )
  expect(history.map(({ number, feature, isInForce }) => `${number} ${feature} ${isInForce}`)).toEqual([
    '5 ai_credits false',
    '4 ai_agents false',
    '3 leads true',
    '2 ai_agents false',
    '1 leads false',
  ])
})
