import { expect, test } from 'vitest'
import { defaultCatalogue, END, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { admissionOf } from '../entitlement/admission.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Crossing, WorkspaceFacts } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { HOUR_MS } from '../instant.ts'
import { judgeFeature } from './judge-feature.ts'
import { type FeatureTold, NOTHING_TOLD_OF_FEATURE } from './notice.ts'

/** From a lapse to what a caller reads: the default catalogue, in which leads may be added after the lapse, too. */
const defaults = defaultCatalogue()
const { leads } = defaults.features
if (leads === undefined) throw new Error('the default catalogue has no leads')
const catalogue = {
  ...defaults,
  features: { ...defaults.features, leads: { ...leads, lapse: 'allow' } as const },
}
const facts: WorkspaceFacts = {
  revision: '1.0.0',
  subscription: subscriptionWith({ seats: 1 }),
  overrides: {},
  crossings: {},
}

test('S16, L1: lapse mode allow leaves adding, within the limit and its grace of 24 hours', () => {
  let crossing: Crossing | null = null
  let told: FeatureTold = NOTHING_TOLD_OF_FEATURE
  const answers = [
    [1, 2_400],
    [2, 2_500],
    [25, 2_600],
    [26, 2_600],
    [7_200, 2_600],
    [7_201, 2_400],
    [7_202, 2_500],
  ].map(([hour = 0, used = 0]) => {
    const now = END + hour * HOUR_MS
    const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: 'leads', now })
    const judged = judgeFeature({
      entitlement,
      used: used as Amount,
      crossing,
      told,
      now,
      reachedAt: () => now,
    })
    ;({ crossing, told } = judged)
    const request = { feature: 'leads', quantity: 1 as Amount, intent: 'add' } as const
    const usage = { used: used as Amount, held: 0 as Amount, subjectIsMember: false, subjectIsHeld: false }
    const item = { request, entitlement, usage, crossing }
    const [verdict] = decideTogether({ catalogue, now, items: [item] }).decisions
    return [entitlement.access, verdict?.reason, admissionOf({ catalogue, entitlement, crossing, now }).limit]
  })
  expect(answers).toEqual([
    ['lapsed', 'within_limit', null],
    ['lapsed', 'over_limit_grace', null],
    ['lapsed', 'over_limit_grace', null],
    ['lapsed', 'limit_reached', 2_500],
    ['lapsed', 'limit_reached', 2_500],
    ['lapsed', 'within_limit', null],
    ['lapsed', 'over_limit_grace', null],
  ])
})
