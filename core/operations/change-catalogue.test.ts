import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { usageFieldsOf } from '#schemas/records.ts'
import type { StoredCatalogue } from '../catalogue/catalogue.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { DAY_MS } from '../instant.ts'
import { type CatalogueDeps, changeCatalogue, proposeCatalogue } from './change-catalogue.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const by = { kind: 'setup', id: 'test', label: 'a test' } as const

interface Source {
  readonly meters: Record<string, object>
  readonly features: Record<string, object>
  readonly plans: Record<string, { readonly versions: readonly { readonly limits: object }[] }>
}

function source(): Source {
  return JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
}

/** A catalogue that does not sell a feature any more, though it may count it on. */
function without(feature: string): Source {
  const { features, plans, ...rest } = source()
  Reflect.deleteProperty(features, feature)
  for (const { limits } of Object.values(plans).flatMap(({ versions }) => versions))
    Reflect.deleteProperty(limits, feature)
  return { ...rest, features, plans }
}

/** The revisions that are stored, of which the newest is in force, and what changing them needs. */
function storedAfter(...sources: readonly object[]): {
  readonly log: StoredCatalogue[]
  readonly deps: CatalogueDeps
} {
  const log: StoredCatalogue[] = sources.map((one, index) => ({
    revision: index + 1,
    storedAt: 0,
    storedBy: by,
    source: one,
  }))
  const nothing: ReadonlySet<string> = new Set()
  return {
    log,
    deps: {
      newest: async () => log.at(-1) ?? null,
      inUse: async () => ({ plans: nothing, addOns: nothing, features: nothing }),
      now: () => NOW,
      fieldsOf: usageFieldsOf,
      append: async (stored) => log.push(stored) > 0,
    },
  }
}

/** Paths of what is wrong with a catalogue that shall follow, the same for what-if and for storing it. */
async function problemsOf(deps: CatalogueDeps, next: object, after = 1): Promise<unknown> {
  const wish = { source: next, after, by, isDryRun: true }
  const answers = await Promise.all(
    [changeCatalogue(deps, wish), proposeCatalogue(deps, next)].map((asked) =>
      asked.then(
        () => [],
        ({ details }) => details.problems.map(({ path }: { readonly path: string }) => path),
      ),
    ),
  )
  expect(answers[1]).toEqual(answers[0])
  return answers[0]
}

test('a feature is sold no more: its meter stays, and so in every revision after that', async () => {
  const { deps, log } = storedAfter(source())
  const next = without('instagram_accounts')
  const { changes } = await changeCatalogue(deps, { source: next, after: 1, by, isDryRun: false })
  expect(changes.features.removed).toEqual(['instagram_accounts'])
  expect(changes.meters).toEqual({ added: [], changed: [], removed: [] })
  const [stored] = log.slice(-1).map(({ revision, source: kept }) => parseCatalogue(kept, revision))
  expect(stored?.ok && Object.keys(stored.catalogue.meters)).toContain('instagram_accounts')
  expect(await problemsOf(deps, next, 2)).toEqual([])
  expect(await problemsOf(deps, source(), 2)).toEqual([])
})

test('the meter of a feature that is sold no more may not go with it', async () => {
  const { deps } = storedAfter(source())
  const next = without('instagram_accounts')
  Reflect.deleteProperty(next.meters, 'instagram_accounts')
  expect(await problemsOf(deps, next)).toEqual(['meters.instagram_accounts.0'])
})

test('a new meter needs a feature, and in the first catalogue each one does', async () => {
  const { deps } = storedAfter(source())
  const next = source()
  const exports = { from: new Date(NOW + DAY_MS).toISOString(), record: 'MeterEvent', aggregation: 'sum' }
  next.meters['exports'] = [exports]
  expect(await problemsOf(deps, next)).toEqual(['meters.exports'])
  const first = parseCatalogue(without('instagram_accounts'), 1)
  expect(first.ok ? [] : first.problems).toEqual([
    { path: 'meters.instagram_accounts', problem: 'no feature uses this meter' },
  ])
})
