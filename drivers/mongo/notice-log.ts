import type { Collection, Db } from 'mongodb'
import type { Instant } from '#core/instant.ts'
import type { Notice } from '#core/notices/notice.ts'
import { isDuplicateKey } from './append-log.ts'

/** A notice that Kafka has acknowledged. */
export interface PublishedNotice extends Notice {
  readonly publishedAt: Instant
}

interface NoticeDocument extends Omit<PublishedNotice, 'id'> {
  readonly _id: string
}

/** A page of notices, and where the next one begins; null at the end. */
export interface NoticePage {
  readonly notices: readonly PublishedNotice[]
  readonly cursor: string | null
}

/** Every notice ever published, each once by its id: inserted when Kafka has acknowledged it. */
export class NoticeLog {
  readonly #collection: Collection<NoticeDocument>

  constructor(db: Db) {
    this.#collection = db.collection('notices')
  }

  /** Whether a notice was published. */
  async has(id: string): Promise<boolean> {
    return (await this.#collection.findOne({ _id: id })) !== null
  }

  /** Keeps a notice; one that is there stays as it is. */
  async add({ id, ...notice }: PublishedNotice): Promise<void> {
    await this.#collection.insertOne({ _id: id, ...notice }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** Notices of a workspace, newest first, after the place that a cursor names. */
  async page(
    workspace: string,
    { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
  ): Promise<NoticePage> {
    const found = await this.#collection
      .find({ _id: { $gte: `${workspace}/`, $lt: `${workspace}0` } })
      .toArray()
    const notices = found
      .map(({ _id, ...notice }) => ({ id: _id, ...notice }))
      .map((notice) => ({ notice, place: placeOf(notice) }))
      .filter(({ place }) => cursor === null || place < cursor)
      .sort((a, b) => (a.place < b.place ? 1 : -1))
    const page = notices.slice(0, limit)
    const isMore = notices.length > limit
    return {
      notices: page.map(({ notice }) => notice),
      cursor: isMore ? (page.at(-1)?.place ?? null) : null,
    }
  }
}

/** Sorts by time, then by number, then by id: notices of one judgement keep their order. */
function placeOf({ id, occurredAt }: Notice): string {
  const number = id.slice(id.lastIndexOf('/') + 1)
  return `${String(occurredAt).padStart(16, '0')}~${number.padStart(16, '0')}~${id}`
}
