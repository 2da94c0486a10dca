import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { MongoCatalogueStore } from './catalogue-store.ts'

const source: unknown = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
const revision = (number: number): StoredCatalogue => {
  return { revision: number, source, storedAt: 0, storedBy: { kind: 'cli', id: 'test', label: 'test' } }
}

test('G13: nothing is measured by a catalogue older than the one in force, also while MongoDB does not answer', async () => {
  let stored: StoredCatalogue | null = revision(1)
  const newest = async (): Promise<StoredCatalogue> => {
    if (stored === null) throw new Error('no MongoDB')
    return stored
  }
  const catalogues = await MongoCatalogueStore.open({ newest })
  stored = null
  catalogues.heardOf(1)
  expect((await catalogues.inForce()).revision).toBe(1)
  catalogues.heardOf(2)
  await expect(catalogues.inForce()).rejects.toMatchObject({ code: 'unavailable' })
  stored = revision(2)
  expect((await catalogues.inForce()).revision).toBe(2)
})
