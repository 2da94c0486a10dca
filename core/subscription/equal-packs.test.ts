import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START } from '../../test/helpers/facts.ts'
import { versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS } from '../instant.ts'
import { foldVersions } from './fold.ts'
import type { BoughtAddOn } from './subscription.ts'

/** Several entries of one add-on may begin at one instant: the schema allows it, and a quote gives such lines. */
const rules = defaultCatalogue()

function pack(quantity: number, until = END): BoughtAddOn {
  return { key: 'ai_credits_5000', quantity, from: START, until }
}

/** What is in force after some packs were accepted and a day later others are stated, and the sentences about them. */
function restated(
  accepted: readonly BoughtAddOn[],
  stated: readonly BoughtAddOn[],
  occurredAt = START + 2 * DAY_MS,
): readonly [readonly BoughtAddOn[] | undefined, readonly string[]] {
  const versions = versionsAfter({ is: { addOns: accepted } }, { is: { addOns: stated }, occurredAt })
  const { state, changes } = foldVersions(versions, () => rules)
  const said = [...changes.values()].flatMap(({ refusals }) => refusals.map(({ reason }) => reason))
  return [state.subscription?.addOns, said]
}

const LEFT_OUT =
  'add-on ai_credits_5000 must run at least 3 months from 2026-06-10T09:00:00.000Z and was left out; it stays until 2026-12-10T09:00:00.000Z'

describe('S3: two packs of one add-on that began at one instant', () => {
  test.for<[string, readonly BoughtAddOn[], readonly BoughtAddOn[]]>([
    ['as they are', [pack(1), pack(3)], [pack(1), pack(3)]],
    ['alike, as they are', [pack(2), pack(2)], [pack(2), pack(2)]],
    ['in another order', [pack(1), pack(3)], [pack(3), pack(1)]],
    ['with other ends', [pack(1), pack(1, END + DAY_MS)], [pack(1, END + DAY_MS), pack(1)]],
    ['one of them with more units', [pack(1), pack(3)], [pack(1), pack(4)]],
    ['in one entry', [pack(1), pack(3)], [pack(4)]],
    ['in more entries', [pack(4)], [pack(1), pack(3)]],
    ['and a third one', [pack(1), pack(3)], [pack(3), pack(2), pack(1)]],
  ])('stated %s they are in force as stated', ([, accepted, stated]) => {
    expect(restated(accepted, stated)).toEqual([stated, []])
  })
  test.for([1, 3])('the one of %i that is left out within the minimum term stays', (quantity) => {
    const other = pack(4 - quantity)
    const both = [other, pack(quantity)]
    expect(restated(both, [other])).toEqual([both, [LEFT_OUT]])
    expect(restated(both.toReversed(), [other])).toEqual([both, [LEFT_OUT]])
    expect(restated([other, other], [other])).toEqual([[other, other], [LEFT_OUT]])
    expect(restated(both, [other], Date.parse('2026-09-10T09:00:00Z'))).toEqual([[other], []])
  })
  test('with fewer units, or too short an end, the one that is stated so keeps its own', () => {
    const fewer = [
      'add-on ai_credits_5000 must run at least 3 months from 2026-06-10T09:00:00.000Z with all it was bought with; 1 is fewer than 3, 3 stay',
    ]
    expect(restated([pack(2), pack(3)], [pack(1), pack(2)])).toEqual([[pack(3), pack(2)], fewer])
    const short = pack(3, START + DAY_MS)
    const [kept, said] = restated([pack(2, END + DAY_MS), pack(3)], [pack(2, END + DAY_MS), short])
    expect(kept).toEqual([pack(2, END + DAY_MS), pack(3)])
    expect(said).toEqual([
      expect.stringMatching(/not until 2026-06-11T09:00:00.000Z; 2026-12-10T09:00:00.000Z stays$/),
    ])
  })
})
