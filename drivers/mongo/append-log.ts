import type { Collection, Db, Document } from 'mongodb'
import { MongoServerError } from 'mongodb'

const DUPLICATE_KEY = 11000
/** How many entries are asked for at once at most; most logs are short, so it begins with one and doubles. */
const READ_AHEAD_MAX = 8

/** Logs whose entries one process remembers. */
const REMEMBERED_MAX = 2_000

/** Whether an insert failed because its `_id` exists: somebody made this very entry before. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

/** Numbers inside an `_id`, padded so that they sort as numbers. */
export function padNumber(number: number): string {
  return String(number).padStart(19, '0')
}

/** How entries are read. */
export interface AppendLogOptions {
  /**
   * How long entries that were read are believed without asking again, ms; they never change, but what one member
   * of a replica set answered may be rolled back by another.
   */
  readonly believedMs?: number
}

interface Remembered<Body> {
  readonly bodies: readonly Body[]
  readonly readAt: number
}

interface Entry<Body> extends Document {
  readonly _id: string
  readonly body: Body
}

/**
 * Logs of one kind, each under its own name: entries 1, 2, 3 … that are inserted once and never changed.
 *
 * Inserting entry n + 1 after having read n of them has exactly one winner, because `_id` is unique; the loser
 * reads again. That is all the concurrency control there is (design.md, property 5), and it needs neither an
 * update with a condition nor a transaction.
 */
export class AppendLog<Body> {
  readonly #collection: Collection<Entry<Body>>
  readonly #believedMs: number
  readonly #remembered = new Map<string, Remembered<Body>>()

  constructor(db: Db, name: string, { believedMs = 0 }: AppendLogOptions = {}) {
    this.#collection = db.collection<Entry<Body>>(name)
    this.#believedMs = believedMs
  }

  /** All entries of a log, in order; those that are remembered are not asked for again, what follows them is. */
  async read(log: string): Promise<Body[]> {
    if (this.#believedMs === 0) return this.readFrom(log, 1)
    const now = performance.now()
    const known = this.#remembered.get(log)
    const { bodies, readAt } =
      known !== undefined && now - known.readAt < this.#believedMs ? known : { bodies: [], readAt: now }
    const all = [...bodies, ...(await this.readFrom(log, bodies.length + 1))]
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(log, { bodies: all, readAt })
    return [...all]
  }

  /** The entries of a log from entry `from` on, in order. */
  async readFrom(log: string, from: number): Promise<Body[]> {
    const bodies: Body[] = []
    for (let ahead = 1; ; ahead = Math.min(2 * ahead, READ_AHEAD_MAX)) {
      const first = from + bodies.length
      const next = await Promise.all(
        Array.from({ length: ahead }, (_, step) => this.entry(log, first + step)),
      )
      const end = next.indexOf(null)
      for (const body of end === -1 ? next : next.slice(0, end)) if (body !== null) bodies.push(body)
      if (end !== -1) return bodies
    }
  }

  /** One entry, or null when the log is shorter. */
  async entry(log: string, number: number): Promise<Body | null> {
    const found = await this.#collection.findOne({ _id: `${log}/${padNumber(number)}` } as Document)
    return found === null ? null : found.body
  }

  /** Number of entries, found by doubling and halving: log₂ n point reads. */
  async length(log: string): Promise<number> {
    let low = 0
    let high = 1
    while ((await this.entry(log, high)) !== null) {
      low = high
      high *= 2
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if ((await this.entry(log, middle)) === null) high = middle
      else low = middle
    }
    return low
  }

  /** Inserts entry `number`; false when it exists, then read again. */
  async append(log: string, number: number, body: Body): Promise<boolean> {
    try {
      await this.#collection.insertOne({ _id: `${log}/${padNumber(number)}`, body } as never)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }
}
