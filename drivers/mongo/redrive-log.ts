import type { Collection, Db } from 'mongodb'
import { type RefusedRecord, recordIdOf } from '../refused-record.ts'
import { isDuplicateKey } from './append-log.ts'

interface RedriveDocument {
  readonly _id: string
  readonly redrivenAt: number
  readonly redrivenBy: string
}

/**
 * Which refused records were sent again.
 *
 * Event ids are remembered for 72 h; this keeps a second redrive after that from counting a second time.
 */
export class RedriveLog {
  readonly #entries: Collection<RedriveDocument>

  constructor(db: Db) {
    this.#entries = db.collection('redrives')
  }

  /** When a record was sent again, ms; null when it never was. */
  async redrivenAt(record: RefusedRecord): Promise<number | null> {
    return (await this.#entries.findOne({ _id: recordIdOf(record) }))?.redrivenAt ?? null
  }

  /** Which of some records were sent again, by place in the list. */
  async wereRedriven(records: readonly RefusedRecord[]): Promise<readonly boolean[]> {
    const ids = records.map(recordIdOf)
    const found = await this.#entries.find({ _id: { $in: ids } }).toArray()
    const sent = new Set(found.map(({ _id }) => _id))
    return ids.map((id) => sent.has(id))
  }

  /** Notes that a record was sent again, after Kafka has it. */
  async append(record: RefusedRecord, by: Omit<RedriveDocument, '_id'>): Promise<void> {
    await this.#entries.insertOne({ _id: recordIdOf(record), ...by }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }
}
