import { expect, test } from 'vitest'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { OverrideRecord } from '../audit/audit-entry.ts'
import { changeOverride, type OverrideDeps, type OverrideWish } from './change-override.ts'

const NOW = 1_000
const by = { kind: 'key', id: 'AAAAAAAA', label: 'support' } as const

/** Records in memory; somebody else is faster as often as told. */
function setUp(rivals = 0): { readonly deps: OverrideDeps; readonly records: OverrideRecord[] } {
  const records: OverrideRecord[] = []
  let left = rivals
  const absent = (): never => {
    throw new Error('not asked')
  }
  const deps: OverrideDeps = {
    store: {
      overrides: async () => [...records],
      appendOverride: async (_workspace, number, record) => {
        if (left > 0) {
          left -= 1
          records.push({ ...record, override: { limit: 9 as Amount, until: null, reason: 'rival' }, by })
        }
        if (records.length >= number) return false
        records.push(record)
        return true
      },
    },
    catalogue: { load: async () => defaultCatalogue(), remembered: () => defaultCatalogue() },
    facts: {
      current: absent,
      load: absent,
      remembered: absent,
      refresh: async () => {
        throw new Error('Redis is away')
      },
    },
    now: () => NOW,
  }
  return { deps, records }
}

function wish(limit: number | null, until: number | null = null): OverrideWish {
  const override = { limit: limit as Amount | null, until, reason: 'a pilot' }
  return { workspace: 'acme', feature: 'leads', override, reason: 'a pilot', by }
}

const end: OverrideWish = { ...wish(1), override: null, reason: 'over' }

test('set, set again, change, end: each change is one record with what was before, also while Redis is away', async () => {
  const { deps, records } = setUp()
  await changeOverride(deps, wish(5))
  await changeOverride(deps, wish(5))
  await changeOverride(deps, wish(null))
  await changeOverride(deps, end)
  expect(records.map(({ before, override }) => [before?.limit, override?.limit])).toEqual([
    [undefined, 5],
    [5, null],
    [null, undefined],
  ])
  await expect(changeOverride(deps, end)).rejects.toMatchObject({ code: 'not_found' })
})

test('a change that another one overtook is made anew, with what that one left as before', async () => {
  const { deps, records } = setUp(2)
  await changeOverride(deps, wish(5))
  expect(records.map(({ before, override }) => [before?.limit, override?.limit])).toEqual([
    [undefined, 9],
    [9, 9],
    [9, 5],
  ])
})

test('a feature of a catalogue that another process stored can be overridden', async () => {
  const { deps, records } = setUp()
  const { leads } = defaultCatalogue().features
  if (leads === undefined) throw new Error('no leads')
  const newest = { ...defaultCatalogue(), features: { exports: leads } }
  let known = defaultCatalogue()
  const catalogue = { remembered: () => known, load: async () => (known = newest) }
  await changeOverride({ ...deps, catalogue }, { ...wish(5), feature: 'exports' })
  expect(records.map(({ feature }) => feature)).toEqual(['exports'])
})

test('an unknown feature and an end in the past are refused, nothing is stored', async () => {
  const { deps, records } = setUp()
  await expect(changeOverride(deps, { ...wish(5), feature: 'cats' })).rejects.toMatchObject({
    code: 'unknown_feature',
  })
  await expect(changeOverride(deps, wish(5, NOW))).rejects.toMatchObject({
    code: 'invalid_request',
    details: { field: 'until' },
  })
  expect(records).toEqual([])
})

test('an end that only an offset moves past the year 9999 is refused: every list of overrides would fail to state it', async () => {
  const { deps, records } = setUp()
  const end = Date.parse('9999-12-31T23:59:59-23:59')
  await expect(changeOverride(deps, wish(5, end))).rejects.toMatchObject({
    code: 'invalid_request',
    details: { field: 'until' },
  })
  expect(records).toEqual([])
  await changeOverride(deps, wish(5, Date.parse('9999-12-31T23:59:59.999Z')))
  expect(records.length).toBe(1)
})
