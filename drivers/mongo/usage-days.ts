import type { Collection, Db } from 'mongodb'
import { TallygateError } from '#core/errors.ts'
import type { DayArchive, PastDays } from '#core/ports.ts'

interface PageDocument extends PastDays {
  readonly _id: string
}

/** Keeps pages of past days. */
export interface PageStore {
  /** Inserts a page under a new name. */
  insert(name: string, page: PastDays): Promise<void>
  page(name: string): Promise<PastDays>
}

/**
 * Days that the counters no longer hold: `usage_days`, pages that are inserted once and name the page before.
 *
 * What a workspace's counters leave out is the chain from the page that they name (ADR 0008).
 */
export class UsageDays implements DayArchive, PageStore {
  readonly #pages: Collection<PageDocument>

  constructor(db: Db) {
    this.#pages = db.collection('usage_days')
  }

  async insert(name: string, page: PastDays): Promise<void> {
    await this.#pages.insertOne({ _id: name, ...page })
  }

  async page(name: string): Promise<PastDays> {
    const found = await this.#pages.findOne({ _id: name }).catch((error: unknown) => {
      throw new TallygateError('unavailable', 'MongoDB did not answer; try again', { page: name }, error)
    })
    if (found !== null) return found
    const message = `usage_days has no page ${name}: restore the collection; counters of past days need it`
    throw new TallygateError('unavailable', message, { page: name })
  }
}
