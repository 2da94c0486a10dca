import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, subscriptionWith } from '../../test/helpers/facts.ts'
import { readUsage } from './read-usage.ts'
import { NO_FACTS } from './read-workspace.ts'

const catalogue = defaultCatalogue()
const NOW = Date.parse('2026-06-13T12:00:00Z')
const FROM = Date.parse('2026-06-11T00:00:00Z')
const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith() }
const archive = {
  page: async () => ({
    previous: null,
    through: '20260501',
    figures: { 'contacts:20260501:l': 5_000, 'companies:20260430:l': 3_000 },
  }),
}

/** Use by day of contacts and companies, from 11 to 13 June. */
async function usedOf(fields: Readonly<Record<string, string>>, feature = 'contacts_companies') {
  const deps = { ...depsOf({ now: NOW, catalogue, facts, fields }), archive }
  const { days } = await readUsage(deps, { workspace: 'acme', feature, from: FROM, to: NOW })
  return days.map(({ used, meters }) => [used, ...Object.values(meters)])
}

test('a meter that did not change on a day counts as it was: the level is that of the whole limit', async () => {
  const fields = {
    'contacts:20260611:l': '5000',
    'companies:20260611:l': '3000',
    'contacts:20260612:l': '5001',
  }
  expect(await usedOf(fields)).toEqual([
    [8_000, 5_000, 3_000],
    [8_001, 5_001, null],
    [null, null, null],
  ])
})

test('it is carried on from before the days asked about, also from archived ones', async () => {
  expect((await usedOf({ 'companies:20260520:l': '3', 'contacts:20260611:l': '5' }))[0]).toEqual([8, 5, null])
  expect((await usedOf({ z: 'page', 'contacts:20260611:l': '7' }))[0]).toEqual([3_007, 7, null])
})

test('a meter that nothing was recorded of counts nothing', async () => {
  expect((await usedOf({ 'contacts:20260611:l': '5' }))[0]).toEqual([5, 5, null])
})

test('units of a day are those of the day alone', async () => {
  expect(await usedOf({ 'ai_credits:20260610': '9', 'ai_credits:20260612': '4' }, 'ai_credits')).toEqual([
    [0, 0],
    [4, 4],
    [0, 0],
  ])
})

test('credits that were counted before billing named the workspace are shown', async () => {
  const deps = {
    ...depsOf({ now: NOW, catalogue, facts: NO_FACTS, fields: { 'ai_credits:20260612': '700' } }),
    archive,
  }
  const query = { workspace: 'acme', feature: 'ai_credits', from: FROM, to: NOW }
  expect((await readUsage(deps, query)).days[1]?.used).toBe(700)
  const unseen = { ...depsOf({ now: NOW, catalogue, facts: NO_FACTS }), archive }
  await expect(readUsage(unseen, query)).rejects.toMatchObject({ code: 'not_found' })
})

test('a feature of a newer catalogue is known', async () => {
  const { ai_credits: credits } = catalogue.features
  if (credits === undefined) throw new Error('no credits')
  const newest = {
    ...catalogue,
    revision: catalogue.revision + 1,
    features: { ...catalogue.features, exports: credits },
  }
  const deps = { ...depsOf({ now: NOW, catalogue, newest, facts }), archive }
  const query = { workspace: 'acme', feature: 'exports', from: FROM, to: NOW }
  expect((await readUsage(deps, query)).days.length).toBe(3)
})
