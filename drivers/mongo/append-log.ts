import type { Collection, Db, Document } from 'mongodb'
import { MongoServerError } from 'mongodb'

const DUPLICATE_KEY = 11000
/** How many entries are asked for at once at most; most logs are short, so it begins with one and doubles. */
const READ_AHEAD_MAX = 8

/** Whether an insert failed because its `_id` exists: somebody made this very entry before. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY
}

/** Numbers inside an `_id`, padded so that they sort as numbers. */
export function padNumber(number: number): string {
  return String(number).padStart(19, '0')
}

/** What stands at places from `from` on, in order, up to the first that is empty. */
export async function readOn<Value>(
  from: number,
  at: (place: number) => Promise<Value | null>,
): Promise<Value[]> {
  const found: Value[] = []
  for (let ahead = 1; ; ahead = Math.min(2 * ahead, READ_AHEAD_MAX)) {
    const first = from + found.length
    const next = await Promise.all(Array.from({ length: ahead }, (_, step) => at(first + step)))
    const end = next.indexOf(null)
    for (const value of end === -1 ? next : next.slice(0, end)) if (value !== null) found.push(value)
    if (end !== -1) return found
  }
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

  constructor(db: Db, name: string) {
    this.#collection = db.collection<Entry<Body>>(name)
  }

  /** The entries of a log from entry `from` on, in order. */
  async readFrom(log: string, from: number): Promise<Body[]> {
    return readOn(from, (number) => this.entry(log, number))
  }

  /** One entry, or null when the log is shorter. */
  async entry(log: string, number: number): Promise<Body | null> {
    const found = await this.#collection.findOne({ _id: `${log}/${padNumber(number)}` } as Document)
    return found === null ? null : found.body
  }

  /** Number of entries, found by doubling and halving: log₂ n questions whether there is one, none is read. */
  async length(log: string): Promise<number> {
    let low = 0
    let high = 1
    while (await this.#exists(log, high)) {
      low = high
      high *= 2
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (await this.#exists(log, middle)) low = middle
      else high = middle
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

  async #exists(log: string, number: number): Promise<boolean> {
    const _id = `${log}/${padNumber(number)}`
    return (await this.#collection.findOne({ _id } as Document, { projection: { _id: 1 } })) !== null
  }
}
