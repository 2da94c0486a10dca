import type { Collection, Db, Filter } from 'mongodb'
import type { Instant } from '#core/instant.ts'
import { isDuplicateKey, padNumber } from './append-log.ts'
import { expireOld } from './expire-old.ts'

/** A record that was set aside, as it is looked up. */
export interface KeptLetter {
  readonly id: string
  /** Key of the record; null where it had none, or none that is text. */
  readonly workspace: string | null
  readonly code: string
  readonly reason: string
  readonly failedAt: Instant
  /** Append time of the record, as it is to be restated. */
  readonly appendedAt: Instant
  /** Where the record stands. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly schemaId: number | null
  /** Where it first stood, `topic/partition/offset`; another place for one that was sent again. */
  readonly origin: string
  /** The record is too large to be kept whole, or to be read. */
  readonly isCut: boolean
  /** The record sets counters; false of letters that were kept before this was noted. */
  readonly statesCount: boolean
  /** The record's bytes in base64; null for none. */
  readonly value: string | null
}

/** Which letters are meant; `from` ≤ failedAt < `to`. */
export interface LetterQuery {
  readonly code: string | null
  readonly workspace: string | null
  readonly from: Instant
  readonly to: Instant
}

/** Letters without bytes, newest first, and where to go on; null at the end. */
export interface LetterPage {
  readonly letters: readonly Omit<KeptLetter, 'value'>[]
  readonly cursor: string | null
}

/** How long letters can be looked up: as long as `dead.letters` keeps them (`topics.ts`). */
export const LETTERS_KEPT_MS = 56 * 86_400_000

interface LetterDocument extends Omit<KeptLetter, 'id'> {
  readonly _id: string
  readonly expiresAt: Date
}

/** Dead letters by when they failed: copies of what stands on `dead.letters`, each once by its place there. */
export class LetterLog {
  readonly #collection: Collection<LetterDocument>

  constructor(db: Db) {
    this.#collection = db.collection('dead_letters')
  }

  /** Takes old letters away from now on; who does it. Never throws. */
  async expireOld(now: () => number): ReturnType<typeof expireOld> {
    return expireOld(this.#collection, now)
  }

  /** Lets letters of one workspace or code be found without reading the others. */
  async index(): Promise<void> {
    await Promise.all(
      (['workspace', 'code'] as const).map((field) => this.#collection.createIndex({ [field]: 1, _id: -1 })),
    )
  }

  /** Keeps a letter; one that is there stays as it is. */
  async add(
    place: { readonly partition: number; readonly offset: number },
    letter: Omit<KeptLetter, 'id'>,
  ): Promise<void> {
    const _id = `${padNumber(letter.failedAt)}-${place.partition}-${place.offset}`
    const expiresAt = new Date(letter.failedAt + LETTERS_KEPT_MS)
    await this.#collection.insertOne({ _id, ...letter, expiresAt }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** One letter with its bytes; null when there is none of this id. */
  async one(id: string): Promise<KeptLetter | null> {
    const found = await this.#collection.findOne({ _id: id })
    return found === null ? null : letterOf(found)
  }

  /** A page of those that are meant. */
  async page(
    query: LetterQuery,
    { cursor, limit }: { readonly cursor: string | null; readonly limit: number },
  ): Promise<LetterPage> {
    const found = await this.#find(query, cursor, limit + 1)
    const letters = found.slice(0, limit)
    return { letters, cursor: found.length > limit ? (letters.at(-1)?.id ?? null) : null }
  }

  /** All that are meant up to a bound, newest first. */
  async all(query: LetterQuery, limit: number): Promise<readonly Omit<KeptLetter, 'value'>[]> {
    return this.#find(query, null, limit)
  }

  async #find(
    { code, workspace, from, to }: LetterQuery,
    cursor: string | null,
    limit: number,
  ): Promise<readonly Omit<KeptLetter, 'value'>[]> {
    const end = cursor === null || cursor > padNumber(to) ? padNumber(to) : cursor
    const filter: Filter<LetterDocument> = {
      _id: { $gte: padNumber(from), $lt: end },
      ...(code === null ? {} : { code }),
      ...(workspace === null ? {} : { workspace }),
    }
    const found = await this.#collection
      .find(filter, { projection: { value: 0 } })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray()
    return found.map((document) => {
      const { value: _, ...letter } = letterOf(document)
      return letter
    })
  }
}

function letterOf({ _id, expiresAt: _, ...letter }: LetterDocument): KeptLetter {
  return { id: _id, ...letter, statesCount: letter.statesCount === true }
}
