import { expect, test } from 'vitest'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { DAY_MS } from '../instant.ts'
import { NO_FACTS } from '../operations/read-workspace.ts'
import { judgeFeature } from './judge-feature.ts'
import { type FeatureTold, NOTHING_TOLD_OF_FEATURE } from './notice.ts'

const defaults = defaultCatalogue()
const facts = { ...NO_FACTS, subscription: subscriptionWith() }

/** What is told of 5,000 leads, used by so many percent, under a catalogue with these thresholds. */
function tell(told: FeatureTold, percent: number, thresholds: readonly number[]) {
  const features = { ...defaults.features, leads: { ...Object(defaults.features['leads']), thresholds } }
  const catalogue = { ...defaults, features }
  const now = START + DAY_MS
  const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: 'leads', now })
  const used = (50 * percent) as Amount
  return judgeFeature({ entitlement, used, crossing: null, told, now, reachedAt: () => now })
}

test('a threshold that a revision drops is forgotten without a word, and told anew once there is one again', () => {
  const seen: readonly (readonly [number, readonly number[]])[] = [
    [85, [80, 100]],
    [85, [90, 100]],
    [95, [90, 100]],
    [85, [90, 100]],
    [85, [80, 100]],
    [10, [80, 100]],
  ]
  let told = NOTHING_TOLD_OF_FEATURE
  const words = seen.map(([percent, thresholds]) => {
    const judged = tell(told, percent, thresholds)
    told = judged.told
    return judged.notices.map(({ type, threshold }) => `${type} ${threshold}`).join()
  })
  expect(words).toEqual([
    'threshold_crossed 80',
    '',
    'threshold_crossed 90',
    'threshold_recovered 90',
    'threshold_crossed 80',
    'threshold_recovered 80',
  ])
})
