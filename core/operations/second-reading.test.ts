import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { TallygateError } from '../errors.ts'
import { DAY_MS } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { readUsage } from './read-usage.ts'
import { NO_FACTS } from './read-workspace.ts'
import { type WhatIfDeps, whatIfCatalogue, whatIfSubscription } from './what-if.ts'

/** What a question comes to whose counters are there at its first look, and lost at its second. */
const catalogue = defaultCatalogue()
const { leads } = catalogue.features
if (leads === undefined) throw new Error('no leads')
const hard = { ...catalogue, features: { ...catalogue.features, leads: { ...leads, graceHours: 0 } } }
const NOW = START + 30 * DAY_MS
const LOST = ['rebuilding', 'unavailable'] as const

/** A workspace that has used all its leads, of which the counters of some say nothing any more. */
function depsLosing(
  loss: (typeof LOST)[number] | 'broken',
  lost: (workspace: string) => boolean,
): WhatIfDeps {
  const facts = { ...NO_FACTS, revision: '1.0.1', subscription: subscriptionWith() }
  const crossings = { leads: { since: NOW - 1 } }
  const world = { now: NOW, catalogue, facts: { ...facts, crossings }, fields: { leads: '5000' } }
  const deps = depsOf(world)
  const reads = new Map<string, number>()
  const readAgain = async (reading: CounterReading): Promise<CounterReading> => {
    if (loss === 'broken') throw new RangeError('a fault')
    if (loss === 'unavailable') throw new TallygateError('unavailable', 'Redis does not answer')
    return { ...reading, state: 'rebuilding', fields: {}, sizes: {} }
  }
  return {
    ...deps,
    counters: {
      read: async (workspace, plan) => {
        reads.set(workspace, (reads.get(workspace) ?? 0) + 1)
        const reading = await deps.counters.read(workspace, plan)
        return reads.get(workspace) === 1 || !lost(workspace) ? reading : readAgain(reading)
      },
    },
    workspacesAfter: async () => ['a', 'b', 'c'],
  }
}

test.for(LOST)('G6: what-if lists a workspace whose counters are %s meanwhile, and goes on', async (loss) => {
  const found = await whatIfCatalogue(
    depsLosing(loss, (workspace) => workspace === 'b'),
    { catalogue: hard, cursor: null },
  )
  expect(found).toMatchObject({ unknown: ['b'], workspaces: 3, cursor: null })
  expect(found.denied.map(({ workspace, feature }) => [workspace, feature])).toEqual([
    ['a', 'leads'],
    ['c', 'leads'],
  ])
})

test.for(LOST)(
  'G6: what-if of one workspace is unavailable where its counters are %s meanwhile',
  async (loss) => {
    const asked = whatIfSubscription(
      depsLosing(loss, () => true),
      { workspace: 'acme', wish: { plan: 'advanced' } },
    )
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' })
  },
)

test.for(LOST)(
  'G6: use by day is unavailable, not zero, where the counters are %s meanwhile',
  async (loss) => {
    const archive = { page: async () => expect.fail('nothing is archived') }
    const asked = readUsage(
      { ...depsLosing(loss, () => true), archive },
      { workspace: 'acme', feature: 'leads', from: NOW, to: NOW },
    )
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' })
  },
)

test('a fault of the code is no lost counter', async () => {
  const deps = depsLosing('broken', () => true)
  await expect(whatIfCatalogue(deps, { catalogue: hard, cursor: null })).rejects.toThrow('a fault')
})
