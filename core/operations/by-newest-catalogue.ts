import type { Catalogue } from '../catalogue/catalogue.ts'
import { TallygateError } from '../errors.ts'
import type { CatalogueStore } from '../ports.ts'

/**
 * What is made of the catalogue that is remembered, or where that refuses of the newest one: this process may not have
 * read yet what the caller knows of.
 *
 * The newest is waited for as long as its store takes, not as long as figures are: this is rare, and only a catalogue that
 * was read proves that something is not in it. Throws `unavailable` where it cannot be read, else what `judge` throws.
 */
export async function byNewestCatalogue<Value>(
  catalogues: CatalogueStore,
  judge: (catalogue: Catalogue) => Value,
): Promise<Value> {
  const remembered = catalogues.remembered()
  try {
    return judge(remembered)
  } catch (error) {
    if (!(error instanceof TallygateError)) throw error
    return judge(await catalogues.load(remembered.revision + 1))
  }
}
