import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { MongoCatalogueStore } from './catalogue-store.ts'

const source: unknown = JSON.parse(readFileSync(new URL('../deploy/catalogue.json', import.meta.url), 'utf8'))
const revision = (number: number): StoredCatalogue => {
  return { revision: number, source, storedAt: 0, storedBy: { kind: 'cli', id: 'test', label: 'test' } }
}

test('G13: nothing is measured by a catalogue older than the one in force, also while MongoDB does not answer', async () => {
  let stored: StoredCatalogue | null = revision(1)
  const newest = async (): Promise<StoredCatalogue> => {
    if (stored === null) throw new Error('no MongoDB')
    return stored
  }
  const catalogues = await MongoCatalogueStore.open({ newest, after: async () => [await newest()] })
  stored = null
  catalogues.heardOf(1)
  expect((await catalogues.inForce()).revision).toBe(1)
  catalogues.heardOf(2)
  await expect(catalogues.inForce()).rejects.toMatchObject({ code: 'unavailable' })
  stored = revision(2)
  expect((await catalogues.inForce()).revision).toBe(2)
})

/** Revisions in memory: each question is answered when it is let, with what is stored by the time it is asked. */
async function setUp() {
  const stored: StoredCatalogue[] = []
  const waiting: (() => void)[] = []
  const store = (what: unknown = source): void => {
    stored.push({ ...revision(stored.length + 1), source: what })
  }
  store()
  let asked = 0
  const catalogues = await MongoCatalogueStore.open({
    newest: async () => stored.at(-1) ?? null,
    after: async (revision) => {
      asked += 1
      const found = stored.filter((one) => one.revision > revision)
      await new Promise<void>((resolve) => waiting.push(resolve))
      return found
    },
  })
  const answer = async (): Promise<void> => {
    waiting.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { catalogues, store, answer, asked: () => asked }
}

test('however many ask for a revision that is not there, one question is under way and one follows it', async () => {
  const { catalogues, answer, asked } = await setUp()
  const all = Array.from({ length: 100 }, () => catalogues.load(2))
  await answer()
  await answer()
  const revisions = await Promise.all(all)
  expect(new Set(revisions.map(({ revision }) => revision))).toEqual(new Set([1]))
  expect(asked()).toBe(2)
  const alone = catalogues.load(2)
  await answer()
  await alone
  expect(asked()).toBe(3)
})

test('who joins a question that was asked before a revision was stored hears of it by the next one', async () => {
  const { catalogues, store, answer, asked } = await setUp()
  const before = catalogues.load(2)
  store()
  store()
  const after = catalogues.load(2)
  await answer()
  await answer()
  expect([(await before).revision, (await after).revision, asked()]).toEqual([1, 3, 2])
  expect(catalogues.source.revision).toBe(3)
})

test('a revision that this version cannot read is no fault of whoever asks', async () => {
  const { catalogues, store, answer } = await setUp()
  store({ plans: 'of another shape' })
  const refused = expect(catalogues.load(2)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('revision 2'),
  })
  await answer()
  await refused
  expect(catalogues.remembered().revision).toBe(1)
})

test('new revisions are read on a timer until it is ended, also after one that could not be read', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { catalogues, store, answer, asked } = await setUp()
  const seen: number[] = []
  const warnings: unknown[] = []
  const stop = catalogues.keepFresh({ warn: (said: unknown) => warnings.push(said) }, async ({ revision }) =>
    seen.push(revision),
  )
  const round = async (): Promise<void> => {
    vi.advanceTimersByTime(5_000)
    await answer()
  }
  await round()
  store({ plans: 'of another shape' })
  await round()
  store()
  await round()
  await stop()
  await round()
  expect([seen, warnings.length, asked()]).toEqual([[1, 3], 1, 3])
})
