import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { DAY_MS } from '../instant.ts'
import type { AdmitDeps, AdmitInput } from './admit-units.ts'
import { placeHold } from './place-hold.ts'
import { NO_FACTS } from './read-workspace.ts'

test('a feature that a newer catalogue no longer has is unknown, not an error of the service', async () => {
  const catalogue = defaultCatalogue()
  const { leads: _, ...features } = catalogue.features
  const newest = { ...catalogue, revision: catalogue.revision + 1, features }
  const now = START + DAY_MS
  const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith() }
  const reading = { factsRevision: '1.0.0', catalogueRevision: newest.revision, now }
  const holds = { now: () => now, hold: async () => ({ outcome: 'stale', reading }) }
  const deps = { ...depsOf({ now, catalogue, newest, facts }), holds } as unknown as AdmitDeps
  const input = { workspace: 'acme', operation: 'o', occurredAt: null } as unknown as AdmitInput
  const items = [{ feature: 'leads', meter: 'leads', quantity: 1 as Amount, subject: null }]
  await expect(placeHold(deps, input, items)).rejects.toMatchObject({ code: 'unknown_feature' })
})
