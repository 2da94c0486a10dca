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
  /** Where it stands among the notices of its workspace. */
  readonly place: string
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
  async add(notice: PublishedNotice): Promise<void> {
    const { id, ...rest } = notice
    await this.#collection.insertOne({ _id: id, ...rest, place: placeOf(notice) }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** Notices of a workspace, newest first, after the place that a cursor names. */
  async page(
    workspace: string,
    { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
  ): Promise<NoticePage> {
    const found = await this.#collection
      .find({
        _id: { $gte: `${workspace}/`, $lt: `${workspace}0` },
        ...(cursor === null ? {} : { place: { $lt: cursor } }),
      })
      .sort({ place: -1 })
      .limit(limit + 1)
      .toArray()
    const page = found.slice(0, limit)
    return {
      notices: page.map(({ _id, place: _, ...notice }) => ({ id: _id, ...notice })),
      cursor: found.length > limit ? (page.at(-1)?.place ?? null) : null,
    }
  }
}

/** A cursor of a page, as `placeOf` writes it. */
export const NOTICE_CURSOR = '^[0-9]{16}~[^~]{16,32}~[^~]+$'

/** Sorts by time, then by number, then by id: notices of one judgement keep their order. */
function placeOf({ id, occurredAt }: Notice): string {
  const number = id.slice(id.lastIndexOf('/') + 1)
  return `${String(occurredAt).padStart(16, '0')}~${number.padStart(16, '0')}~${id}`
}
