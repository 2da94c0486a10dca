import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { TallygateError } from '../errors.ts'
import { DAY_MS } from '../instant.ts'
import { admitUnits } from './admit-units.ts'
import { changeOverride } from './change-override.ts'
import { checkItems } from './check.ts'
import { readUsage } from './read-usage.ts'
import { NO_FACTS } from './read-workspace.ts'

const NOW = START + DAY_MS
const known = defaultCatalogue()
const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith() }
const away = new TallygateError('unavailable', 'MongoDB did not answer for the catalogue; try again')

/** The next revision, which has one more feature like the one of leads. */
function withExports(): Catalogue {
  const { leads } = known.features
  if (leads === undefined) throw new Error('no leads')
  return { ...known, revision: known.revision + 1, features: { ...known.features, exports: leads } }
}

const absent = (): never => {
  throw new Error('not asked')
}

/** A process that knows the catalogue of before; its answers have no time left to wait for anything. */
function behind(load: () => Promise<Catalogue>) {
  let remembered = known
  return {
    ...depsOf({ now: NOW, catalogue: known, facts }),
    catalogue: {
      remembered: () => remembered,
      load: async () => {
        remembered = await load()
        return remembered
      },
    },
    inTime: () => Promise.reject(away),
    lastKnown: { get: () => null, set: () => undefined },
    holds: {
      hold: absent,
      commit: absent,
      release: absent,
      keepAnswer: absent,
      counted: absent,
      now: () => NOW,
    },
    archive: { page: absent },
    store: { overrides: async () => [], appendOverride: async () => true },
  }
}

type Deps = ReturnType<typeof behind>

/** Everything that names a feature. */
const operations: readonly (readonly [string, (deps: Deps) => Promise<unknown>])[] = [
  [
    'a check',
    (deps) => {
      const item = { feature: 'exports', quantity: 1 as Amount, intent: 'add' } as const
      return checkItems(deps, { workspace: 'acme', items: [item] })
    },
  ],
  [
    'a use',
    (deps) => {
      const use = { workspace: 'acme', operation: 'o', items: [{ feature: 'exports', quantity: 1 }] }
      const how = { occurredAt: null, partial: false, fingerprint: 'f', state: 'held', dueMs: 1 } as const
      return admitUnits(deps, { ...use, ...how })
    },
  ],
  ['use by day', (deps) => readUsage(deps, { workspace: 'acme', feature: 'exports', from: NOW, to: NOW })],
  [
    'an override',
    (deps) => {
      const override = { limit: 1 as Amount, until: null, reason: 'r' }
      const by = { kind: 'key', id: 'AAAAAAAA', label: 'support' } as const
      return changeOverride(deps, { workspace: 'acme', feature: 'exports', override, reason: 'r', by })
    },
  ],
]

test.for(operations)(
  '%s of a feature is not refused while the newest catalogue cannot be read',
  async ([, ask]) => {
    await expect(ask(behind(() => Promise.reject(away)))).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
    })
  },
)

test.for(operations)('%s of a feature that no catalogue has is refused', async ([, ask]) => {
  await expect(ask(behind(async () => known))).rejects.toMatchObject({ code: 'unknown_feature' })
})

test.for(operations)('%s waits for the newest catalogue, however late answers are', async ([, ask]) => {
  const late = (): Promise<Catalogue> => new Promise((resolve) => setImmediate(() => resolve(withExports())))
  const outcome = await ask(behind(late)).catch(({ code }) => code)
  expect(outcome).not.toBe('unknown_feature')
})

test('a check of a feature that another process stored is decided, and names meters that it was given', async () => {
  const newest = withExports()
  const inTime = <Value>(work: Promise<Value>): Promise<Value> => work
  const ask = (meter?: string) => {
    const item = {
      feature: 'exports',
      quantity: 1 as Amount,
      intent: 'add',
      ...(meter === undefined ? {} : { meter }),
    } as const
    return checkItems({ ...behind(async () => newest), inTime }, { workspace: 'acme', items: [item] })
  }
  expect((await ask()).decisions[0]?.feature).toBe('exports')
  expect((await ask('leads')).decisions[0]?.feature).toBe('exports')
  await expect(ask('contacts')).rejects.toMatchObject({
    code: 'invalid_request',
    details: { field: 'meter' },
  })
})
