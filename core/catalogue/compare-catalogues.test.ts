import { expect, test } from 'vitest'
import { usageFieldsOf } from '#schemas/records.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import {
  compareCatalogues,
  METER_NOTICE_MS,
  meterProblems,
  recordProblems,
  useProblems,
} from './compare-catalogues.ts'
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
    settings: nothing,
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

test.for([
  ['the shortest term is taken away', { terms: before.terms.slice(1) }, { removed: ['terms.6'] }],
  [
    'a discount changes',
    { terms: before.terms.map((term) => ({ ...term, discountPercent: 1 })) },
    { changed: before.terms.map(({ months }) => `terms.${months}`) },
  ],
  [
    'a way to pay is added',
    { payments: [...before.payments, ...before.payments.slice(0, 1)] },
    { added: ['payments.4'] },
  ],
  ['the trial is shorter', { trial: { ...before.trial, days: 7 } }, { changed: ['trial.days'] }],
  ['payments show later', { processingWindowMinutes: 30 }, { changed: ['processingWindowMinutes'] }],
] as const)('a revision in which only %s says so', ([, change, expected]) => {
  const { settings, ...others } = compareCatalogues(before, { ...before, ...change })
  expect(settings).toEqual({ added: [], changed: [], removed: [], ...expected })
  expect(Object.values(others).flatMap((part) => Object.values(part).flat())).toEqual([])
})

test.for([
  ['a record that nobody sends', { record: 'LaedEvent' }, 'record'],
  ['a record of billing', { record: 'SubscriptionEvent' }, 'record'],
  ['a field that it lacks', { field: 'acton' }, 'field'],
  ['a quantity that it lacks', { quantity: 'credits' }, 'quantity'],
  ['a subject that it lacks', { subject: 'number' }, 'subject'],
  ['a condition on a field that it lacks', { when: { meter: ['x'] } }, 'when.meter'],
] as const)('a new definition may not name %s', ([, change, property]) => {
  const after = withLeads(leads, { ...leads, ...change, from: NOW + METER_NOTICE_MS })
  expect(recordProblems(before, after, usageFieldsOf).map(({ path }) => path)).toEqual([
    `meters.leads.1.${property}`,
  ])
})

test('what the shipped catalogue counts is there to be counted', () => {
  expect(recordProblems({ ...before, meters: {} }, before, usageFieldsOf)).toEqual([])
})
