import type { Collection, Db } from 'mongodb'
import { isDuplicateKey, padNumber } from './append-log.ts'

interface RedriveDocument {
  readonly _id: string
  readonly redrivenAt: number
  readonly redrivenBy: string
}

/**
 * Which dead letters were sent again, by origin and by when they failed.
 *
 * Event ids are remembered for 72 h; this keeps a second redrive after that from counting a second time.
 */
export class RedriveLog {
  readonly #entries: Collection<RedriveDocument>

  constructor(db: Db) {
    this.#entries = db.collection('redrives')
  }

  /** When a letter was sent again, ms; null when it never was. */
  async redrivenAt(origin: string, failedAt: number): Promise<number | null> {
    return (await this.#entries.findOne({ _id: idOf(origin, failedAt) }))?.redrivenAt ?? null
  }

  /** Which of some letters were sent again, by place in the list. */
  async wereRedriven(
    letters: readonly { readonly origin: string; readonly failedAt: number }[],
  ): Promise<readonly boolean[]> {
    const ids = letters.map(({ origin, failedAt }) => idOf(origin, failedAt))
    const found = await this.#entries.find({ _id: { $in: ids } }).toArray()
    const sent = new Set(found.map(({ _id }) => _id))
    return ids.map((id) => sent.has(id))
  }

  /** Notes that a letter was sent again, after Kafka has it. */
  async append(origin: string, failedAt: number, by: Omit<RedriveDocument, '_id'>): Promise<void> {
    await this.#entries.insertOne({ _id: idOf(origin, failedAt), ...by }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }
}

function idOf(origin: string, failedAt: number): string {
  return `${origin}/${padNumber(failedAt)}`
}
