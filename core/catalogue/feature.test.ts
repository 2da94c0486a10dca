import { expect, test } from 'vitest'
import { defaultCatalogue } from '../../test/helpers/facts.ts'
import { lastingMeters } from './feature.ts'

test('S16: meters whose last window goes on after a lapse are those of flow that may be used then', () => {
  const { features } = defaultCatalogue()
  const { ai_credits: credits, leads } = features
  if (credits === undefined || leads === undefined) throw new Error('the shipped catalogue has neither')
  expect(lastingMeters({ features })).toEqual([])
  const open = {
    ...features,
    ai_credits: { ...credits, lapse: 'allow' },
    leads: { ...leads, lapse: 'allow' },
  } as const
  expect(lastingMeters({ features: open })).toEqual(['ai_credits'])
})
