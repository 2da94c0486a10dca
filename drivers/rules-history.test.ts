import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { RulesHistory } from './rules-history.ts'

const source = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
const storedBy = { kind: 'setup', id: 'test', label: 'test' } as const

function stored(revision: number, storedAt: number, months: number): StoredCatalogue {
  const terms = [{ months, discountPercent: 0 }]
  return { revision, storedAt, storedBy, source: { ...source, terms } }
}

/** A history over some revisions, with a clock, and how often it asked for them. */
function historyOver(revisions: StoredCatalogue[]) {
  const clock = { now: 1_000, newest: 1, asked: 0 }
  const history = new RulesHistory({
    log: {
      after: async (revision) => {
        clock.asked += 1
        return revisions.slice(revision)
      },
    },
    catalogues: { remembered: () => ({ revision: clock.newest }) },
    now: () => clock.now,
  })
  const shortestOf = async (occurredAt: number): Promise<number | undefined> =>
    (await history.judging([{ occurredAt }]))(occurredAt).terms[0]?.months
  return { clock, history, shortestOf }
}

test('a version that happened before the last question is judged without another one', async () => {
  const { clock, shortestOf } = historyOver([stored(1, 0, 6)])
  expect([await shortestOf(10), await shortestOf(999)]).toEqual([6, 6])
  expect(clock.asked).toBe(1)
})

test('one that happened since is judged by what was stored meanwhile, though nobody told of it', async () => {
  const revisions = [stored(1, 0, 6)]
  const { clock, shortestOf } = historyOver(revisions)
  await shortestOf(10)
  revisions.push(stored(2, 1_500, 12))
  clock.now = 2_000
  expect([await shortestOf(1_499), await shortestOf(1_500), await shortestOf(10)]).toEqual([6, 12, 6])
})

test('a revision that was heard of is read, so that a plan it brings is known', async () => {
  const { clock, history } = historyOver([stored(1, 0, 6)])
  await history.judging([{ occurredAt: 10 }])
  clock.newest = 2
  await history.judging([{ occurredAt: 10 }])
  expect(clock.asked).toBeGreaterThan(1)
})

test('a version from the future asks each time and waits for nothing', async () => {
  const { clock, shortestOf } = historyOver([stored(1, 0, 6)])
  expect([await shortestOf(9_000), await shortestOf(9_000)]).toEqual([6, 6])
  expect(clock.asked).toBe(1)
})

test('many at once share one question', async () => {
  const { clock, shortestOf } = historyOver([stored(1, 0, 6)])
  await Promise.all(Array.from({ length: 50 }, () => shortestOf(10)))
  expect(clock.asked).toBe(1)
})

test('a revision that this build cannot read is passed over', async () => {
  const { shortestOf } = historyOver([stored(1, 0, 6), { ...stored(2, 5, 12), source: {} }])
  expect(await shortestOf(10)).toBe(6)
})
