import type { Collection, Db } from 'mongodb'
import type { Drift } from '../redis/apply.ts'
import { isDuplicateKey, padNumber } from './append-log.ts'

/** A counter that the product's own count corrected. */
export interface DriftEntry extends Drift {
  readonly workspace: string
  readonly partition: number
  /** Append time of the record that stated it, ms. */
  readonly appendedAt: number
}

/** Every drift that was found, once each, by workspace and meter. */
export class DriftLog {
  readonly #entries: Collection<DriftEntry & { readonly _id: string }>

  constructor(db: Db) {
    this.#entries = db.collection('drifts')
  }

  /** Lists a drift; the same record again is the same entry. */
  async append(entry: DriftEntry): Promise<void> {
    const { workspace, meter, partition, offset } = entry
    const _id = `${workspace}/${meter}/${partition}/${padNumber(offset)}`
    await this.#entries.insertOne({ _id, ...entry }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** Newest first; of one workspace or of all. */
  async newest(workspace: string | null, limit: number): Promise<readonly DriftEntry[]> {
    const filter = workspace === null ? {} : { _id: { $gte: `${workspace}/`, $lt: `${workspace}0` } }
    const found = await this.#entries.find(filter).sort({ appendedAt: -1 }).limit(limit).toArray()
    return found.map(({ _id, ...entry }) => entry)
  }
}
