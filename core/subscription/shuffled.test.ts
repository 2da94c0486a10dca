import { expect, test } from 'vitest'
import { defaultCatalogue, START } from '../../test/helpers/facts.ts'
import { randomHistory, shuffled } from '../../test/helpers/histories.ts'
import { seededRandom, seedOfRun } from '../../test/helpers/random.ts'
import { type FoldedVersions, foldVersions } from './fold.ts'
import type { SubscriptionEvent } from './subscription.ts'
import { faultOfSubscriptionEvent } from './validate-event.ts'

const rules = defaultCatalogue()
const WORKSPACES = 500
const LENGTH = 20

/** Stores each version once, as it arrives, and folds what there is, as the consumer does. */
function takeIn(arrivals: readonly SubscriptionEvent[]): ReadonlyMap<string, FoldedVersions> {
  const stored = new Map<string, SubscriptionEvent[]>()
  const folded = new Map<string, FoldedVersions>()
  for (const event of arrivals) {
    const versions = stored.get(event.workspace) ?? []
    if (versions.some(({ version }) => version === event.version)) continue
    versions.push(event)
    stored.set(event.workspace, versions)
    folded.set(
      event.workspace,
      foldVersions(versions, () => rules),
    )
  }
  return folded
}

test('G18: 10,000 events of 500 workspaces, each sent twice and shuffled, end in the state of their order', () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  const histories = Array.from({ length: WORKSPACES }, (_, index) =>
    randomHistory({ workspace: `w${index}`, length: LENGTH, start: START, below }),
  )
  const events = histories.flat()
  expect(events).toHaveLength(10_000)
  expect(
    events.map((event) => faultOfSubscriptionEvent(event, event.workspace)).filter((fault) => fault),
  ).toEqual([])
  const folded = takeIn(shuffled(events, { below, times: 2 }))
  const codes = new Set<string>()
  for (const history of histories) {
    const inOrder = foldVersions(history, () => rules)
    const { workspace = '' } = history[0] ?? {}
    expect(folded.get(workspace), `seed ${seed}, ${workspace}`).toEqual(inOrder)
    for (const { refusals } of inOrder.changes.values()) for (const { code } of refusals) codes.add(code)
  }
  expect([...codes].toSorted(), `seed ${seed}: every rule was broken by some`).toEqual([
    'downgrade_needs_support',
    'payment_not_allowed',
    'refund_needs_support',
    'seats_need_support',
    'second_subscription',
    'term_shortened',
    'term_too_short',
    'trial_repeated',
    'unknown_add_on',
    'unknown_plan',
  ])
})
