import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { HistoryStore } from '#core/ports.ts'
import { historyStore } from './history-store.ts'
import { FactsSource } from './mongo/facts-source.ts'

const source: unknown = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
const storedBy = { kind: 'cli', id: 'ops', label: 'ops' } as const

/** A history of catalogues stored at these instants; `read` lists the revisions that were read whole. */
function storedAt(instants: readonly number[]): { readonly history: HistoryStore; readonly read: number[] } {
  const read: number[] = []
  const heads = instants.map((at, index) => ({ revision: index + 1, storedAt: at, storedBy }))
  const catalogues = {
    heads: async () => [...heads],
    revision: async (revision: number) => {
      read.push(revision)
      const head = heads[revision - 1]
      return head === undefined ? null : { ...head, source }
    },
  }
  const rules = { judging: async () => expect.fail('asked for a catalogue alone') }
  const nothing = new FactsSource(Object({ collection: () => null }))
  return { history: historyStore({ source: nothing, catalogues, rules }), read }
}

test('a check of the past: one revision of the catalogue is read, the one in force then, and once', async () => {
  const { history, read } = storedAt([100, 200, 300])
  const found = [50, 100, 250, 250, 900].map(async (at) => {
    const { catalogue, wasInForce } = await history.catalogueAt(at)
    return [catalogue.revision, wasInForce]
  })
  expect(await Promise.all(found)).toEqual([
    [1, false],
    [1, true],
    [2, true],
    [2, true],
    [3, true],
  ])
  read.length = 0
  for (const at of [50, 100, 250, 900]) await history.catalogueAt(at)
  expect(read).toEqual([])
})

test('a check of the past: of revisions that a clock running behind stored, the last by then is taken', async () => {
  const { history } = storedAt([100, 300, 200])
  expect((await history.catalogueAt(250)).catalogue.revision).toBe(3)
  expect((await history.catalogueAt(199)).catalogue.revision).toBe(1)
})

test('a check of the past: 20 revisions are remembered, those that were asked for last', async () => {
  const { history, read } = storedAt(Array.from({ length: 22 }, (_, index) => index + 1))
  for (const revision of [1, 2, ...Array.from({ length: 18 }, (_, index) => index + 3), 1, 21, 22])
    await history.catalogueAt(revision)
  read.length = 0
  for (const revision of [1, 4, 22]) await history.catalogueAt(revision)
  expect(read).toEqual([])
  await history.catalogueAt(2)
  expect(read).toEqual([2])
})
