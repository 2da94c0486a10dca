import { expect, test } from 'vitest'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { compareCatalogues, METER_NOTICE_MS, meterProblems, useProblems } from './compare-catalogues.ts'
import type { MeterDefinition } from './meter.ts'

const NOW = Date.parse('2026-06-10T00:00:00Z')
const before = defaultCatalogue()
const [leads] = before.meters['leads'] ?? []
if (leads === undefined) throw new Error('the default catalogue counts no leads')

function withLeads(...definitions: readonly MeterDefinition[]): typeof before {
  return { ...before, meters: { ...before.meters, leads: definitions } }
}

test('the same catalogue follows itself, with nothing changed', () => {
  expect(meterProblems(before, before, NOW)).toEqual([])
  const nothing = { added: [], changed: [], removed: [] }
  expect(compareCatalogues(before, before)).toEqual({
    plans: nothing,
    features: nothing,
    meters: nothing,
    addOns: nothing,
  })
})

test.for([
  ['edited', withLeads({ ...leads, record: 'MeterEvent' }), 'meters.leads.0'],
  ['taken away', withLeads(), 'meters.leads.0'],
  ['put before the known one', withLeads({ ...leads, from: leads.from - 1 }, leads), 'meters.leads.0'],
  ['begun too soon', withLeads(leads, { ...leads, from: NOW + METER_NOTICE_MS - 1 }), 'meters.leads.1.from'],
] as const)('a definition of a meter may not be %s', ([, after, path]) => {
  expect(meterProblems(before, after, NOW).map((problem) => problem.path)).toContain(path)
})

test('a definition that begins when every consumer knows it may follow', () => {
  const after = withLeads(leads, { ...leads, from: NOW + METER_NOTICE_MS })
  expect(meterProblems(before, after, NOW)).toEqual([])
  expect(compareCatalogues(before, after).meters).toEqual({ added: [], changed: ['leads'], removed: [] })
})

test('what is in use may not be taken away, what nobody uses may', () => {
  const { trial: _, ...plans } = before.plans
  const changes = compareCatalogues(before, { ...before, plans })
  expect(changes.plans.removed).toEqual(['trial'])
  const use = { plans: new Set(['trial']), addOns: new Set<string>(), features: new Set<string>() }
  expect(useProblems(changes, use).map(({ path }) => path)).toEqual(['plans.trial'])
  expect(useProblems(changes, { ...use, plans: new Set() })).toEqual([])
})
