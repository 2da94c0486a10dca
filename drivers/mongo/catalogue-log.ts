import type { Db } from 'mongodb'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { ChainedLog } from './chained-log.ts'

const LOG = 'catalogue'

/** Every revision of the catalogue ever stored; the newest one is in force. */
export class CatalogueLog {
  readonly #log: ChainedLog<StoredCatalogue>

  constructor(db: Db) {
    this.#log = new ChainedLog(db, 'catalogues')
  }

  /** The newest revision, null before the first. */
  async newest(): Promise<StoredCatalogue | null> {
    const length = await this.#log.length(LOG)
    return length === 0 ? null : this.#log.entry(LOG, length)
  }

  /** One revision, null when there is none such. */
  async revision(revision: number): Promise<StoredCatalogue | null> {
    return this.#log.entry(LOG, revision)
  }

  /** All revisions, oldest first. */
  async revisions(): Promise<StoredCatalogue[]> {
    return this.#log.read(LOG)
  }

  /** The revisions after one, oldest first. */
  async after(revision: number): Promise<StoredCatalogue[]> {
    return this.#log.readFrom(LOG, revision + 1)
  }

  /** Stores a revision; false when another one took its number. */
  async append(stored: StoredCatalogue): Promise<boolean> {
    return this.#log.append(LOG, stored.revision, stored)
  }
}
