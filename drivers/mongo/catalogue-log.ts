import type { Db } from 'mongodb'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { ChainedLog } from './chained-log.ts'

const LOG = 'catalogue'
/** Heads that a process remembers. */
const REMEMBERED_MAX = 10_000

/** A stored revision without what it says. */
export type CatalogueHead = Omit<StoredCatalogue, 'source'>

/** Every revision of the catalogue ever stored; the newest one is in force. */
export class CatalogueLog {
  readonly #log: ChainedLog<StoredCatalogue>
  readonly #heads: ChainedLog<CatalogueHead>

  constructor(db: Db) {
    this.#log = new ChainedLog(db, 'catalogues')
    this.#heads = new ChainedLog(db, 'catalogues', { without: 'source', rememberedMax: REMEMBERED_MAX })
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

  /** When and by whom each revision was stored, oldest first. */
  async heads(): Promise<CatalogueHead[]> {
    return this.#heads.read(LOG)
  }

  /** All revisions whole, oldest first. */
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
