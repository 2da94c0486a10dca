import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { DAY_MS, HOUR_MS } from '../instant.ts'
import { type AdmitDeps, type AdmitInput, admitUnits } from './admit-units.ts'
import { NO_FACTS } from './read-workspace.ts'

const NOW = START + DAY_MS
const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith() }

/** Code of the failure of an operation of some time; Redis says of those that reach it that they are known. */
async function codeOf(occurredAt: number): Promise<string> {
  const reading = {
    granted: [1],
    open: [],
    figures: [],
    free: [],
    grounds: null,
    answer: '[]',
    deadline: null,
  }
  const holds = { now: () => NOW, hold: async () => ({ outcome: 'again', reading }) }
  const catalogue = defaultCatalogue()
  const deps = { ...depsOf({ now: NOW, catalogue, facts }), holds } as unknown as AdmitDeps
  const items = [{ feature: 'leads', quantity: 1 }]
  const input = { workspace: 'acme', operation: 'o', items, occurredAt } as unknown as AdmitInput
  return admitUnits(deps, input).then(
    ({ replayed }) => (replayed ? 'replayed' : 'allowed'),
    ({ code }) => code,
  )
}

test.for([
  '2019-06-01T00:00:00Z',
  '1969-12-31T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59-23:59',
])('an operation of %s is stale, whatever the catalogue said then', async (at) => {
  expect(await codeOf(Date.parse(at))).toBe('stale_operation')
})

test('what may have been answered within two days is for Redis to judge: it is answered again', async () => {
  expect(await codeOf(NOW - 3 * DAY_MS)).toBe('replayed')
  expect(await codeOf(NOW + 60_000)).toBe('replayed')
})

test('the clock of a process that is hours off refuses nothing: Redis judges by its own', async () => {
  for (const hours of [-14, -2, 2, 14, 24 * 365]) expect(await codeOf(NOW + hours * HOUR_MS)).toBe('replayed')
  expect(await codeOf(NOW - 365 * DAY_MS)).toBe('replayed')
})
