import { createHash } from 'node:crypto'
import { BSON, type Collection, type Db, type Document } from 'mongodb'
import { AppendLog, isDuplicateKey, padNumber, readOn } from './append-log.ts'

interface ChainedEntry<Body> extends Document {
  readonly _id: string
  readonly body: Body
  /** Hash of the entry before; '' for the first. */
  readonly previous: string
  /** SHA-256 over id, previous hash and body. */
  readonly hash: string
}

/** A place where a chain does not hold. */
export interface BrokenLink {
  /** `<collection>/<log>/<number>` of the entry. */
  readonly entry: string
  readonly problem: string
}

/** What reading chains from their beginnings came to. */
export interface CheckedChains {
  readonly chains: number
  readonly entries: number
  /** The first broken link of each chain. */
  readonly broken: readonly BrokenLink[]
  /** The last hash of each chain: kept elsewhere, it also shows entries cut off at the end. */
  readonly heads: Readonly<Record<string, string>>
}

/** How entries are read. */
export interface ChainedLogOptions {
  /** How many entries of all logs are remembered in the process, those that were read last; none unless given. */
  readonly rememberedMax?: number
  /** A field of each entry that is left where it is. */
  readonly without?: string
}

interface Remembered<Body> {
  readonly bodies: readonly Body[]
  /** Of the last of them; '' without any. */
  readonly hash: string
}

const NOTHING: Remembered<never> = { bodies: [], hash: '' }

/**
 * Append logs whose entries each carry the hash of the one before (G28): an entry that was changed or taken out
 * breaks the chain there.
 *
 * So what is remembered stands as long as its last entry has the hash it had, and only what follows is read. Where a
 * replica set rolled that entry back, all are read again.
 */
export class ChainedLog<Body> {
  readonly #name: string
  readonly #collection: Collection<ChainedEntry<Body>>
  readonly #log: AppendLog<Body>
  readonly #rememberedMax: number
  readonly #projection: Document
  readonly #remembered = new Map<string, Remembered<Body>>()
  #rememberedCount = 0

  constructor(db: Db, name: string, { rememberedMax = 0, without }: ChainedLogOptions = {}) {
    this.#name = name
    this.#collection = db.collection<ChainedEntry<Body>>(name)
    this.#log = new AppendLog(db, name)
    this.#rememberedMax = rememberedMax
    this.#projection = without === undefined ? {} : { projection: { [`body.${without}`]: 0 } }
  }

  /** All entries of a log, in order; those that are remembered and still stand are not read again. */
  async read(log: string): Promise<Body[]> {
    const known = this.#remembered.get(log) ?? NOTHING
    const [stands, next] = await Promise.all([
      this.#stands(log, known),
      this.#entriesFrom(log, known.bodies.length + 1),
    ])
    const before = stands ? known : NOTHING
    const entries = stands ? next : await this.#entriesFrom(log, 1)
    const bodies = [...before.bodies, ...entries.map(({ body }) => body)]
    this.#remember(log, { bodies, hash: entries.at(-1)?.hash ?? before.hash })
    return [...bodies]
  }

  /** The entries of a log from entry `from` on, in order. */
  async readFrom(log: string, from: number): Promise<Body[]> {
    return this.#log.readFrom(log, from)
  }

  /** One entry, or null when the log is shorter. */
  async entry(log: string, number: number): Promise<Body | null> {
    return this.#log.entry(log, number)
  }

  /** Number of entries. */
  async length(log: string): Promise<number> {
    return this.#log.length(log)
  }

  /** Inserts entry `number` after having read those before it; false when it exists, then read again. */
  async append(log: string, number: number, body: Body): Promise<boolean> {
    const _id = idOf(log, number)
    const before =
      number === 1 ? null : await this.#collection.findOne({ _id: idOf(log, number - 1) } as never)
    const previous = before?.hash ?? ''
    const plain = asStored(body)
    const entry = { _id, body: plain, previous, hash: hashOf({ _id, previous, body: plain }) }
    try {
      await this.#collection.insertOne(entry as never)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  /** Appends after whatever is there by then. */
  async push(log: string, body: Body): Promise<void> {
    for (let number = (await this.length(log)) + 1; ; number += 1) {
      if (await this.append(log, number, body)) return
    }
  }

  /**
   * Reads every chain from its beginning, or one of them.
   *
   * `kept`: last hashes of chains that an earlier check gave; a chain in which one is not found was cut off or replaced.
   */
  async check(log: string | null, kept: CheckedChains['heads'] = {}): Promise<CheckedChains> {
    const range = log === null ? {} : { _id: { $gte: `${log}/`, $lt: `${log}0` } }
    const heads: Record<string, string> = {}
    const missing = new Map(Object.entries(kept))
    const counts = new Map<string, number>()
    const broken = new Map<string, BrokenLink>()
    let entries = 0
    for await (const entry of this.#collection.find(range as never).sort({ _id: 1 })) {
      entries += 1
      const chain = entry._id.slice(0, entry._id.lastIndexOf('/'))
      const number = (counts.get(chain) ?? 0) + 1
      const problem = problemOf(entry, { expected: idOf(chain, number), previous: heads[chain] ?? '' })
      if (problem !== null && !broken.has(chain))
        broken.set(chain, { entry: `${this.#name}/${entry._id}`, problem })
      counts.set(chain, Number(entry._id.slice(entry._id.lastIndexOf('/') + 1)))
      heads[chain] = entry.hash
      if (missing.get(chain) === entry.hash) missing.delete(chain)
    }
    for (const chain of missing.keys()) {
      const problem = 'its last entry of the earlier check is gone: entries were cut off or replaced'
      if (!broken.has(chain)) broken.set(chain, { entry: `${this.#name}/${chain}`, problem })
    }
    return { chains: counts.size, entries, broken: [...broken.values()], heads }
  }

  async #entriesFrom(log: string, from: number): Promise<ChainedEntry<Body>[]> {
    return readOn(from, (number) =>
      this.#collection.findOne({ _id: idOf(log, number) } as never, this.#projection),
    )
  }

  /** Whether the last of the remembered entries, and so each before it, is what is stored. */
  async #stands(log: string, { bodies, hash }: Remembered<Body>): Promise<boolean> {
    if (bodies.length === 0) return true
    const _id = idOf(log, bodies.length)
    const last = await this.#collection.findOne({ _id } as never, { projection: { hash: 1 } })
    return last?.hash === hash
  }

  /** Keeps a log as the one that was read last; those that were read longest ago go. */
  #remember(log: string, known: Remembered<Body>): void {
    this.#forget(log)
    if (known.bodies.length === 0) return
    this.#remembered.set(log, known)
    this.#rememberedCount += known.bodies.length
    for (const oldest of this.#remembered.keys()) {
      if (this.#rememberedCount <= this.#rememberedMax) return
      this.#forget(oldest)
    }
  }

  #forget(log: string): void {
    this.#rememberedCount -= this.#remembered.get(log)?.bodies.length ?? 0
    this.#remembered.delete(log)
  }
}

function problemOf(
  { _id, previous, hash, body }: ChainedEntry<unknown>,
  before: { readonly expected: string; readonly previous: string },
): string | null {
  if (_id !== before.expected) return `an entry before it is gone: ${before.expected} was to come`
  if (hash === undefined) return 'it has no hash'
  if (hash !== hashOf({ _id, previous, body })) return 'it was changed after it was stored'
  return previous === before.previous ? null : 'the entry before it was replaced'
}

function idOf(log: string, number: number): string {
  return `${log}/${padNumber(number)}`
}

/** A body as it is read again: what is no JSON is left out, and half of a UTF-16 pair, which is no UTF-8, is replaced. */
function asStored<Body>(body: Body): Body {
  const plain: unknown = JSON.parse(JSON.stringify(body))
  return BSON.deserialize(BSON.serialize({ plain }))['plain']
}

function hashOf(content: unknown): string {
  return createHash('sha256').update(canonical(content)).digest('hex')
}

/** JSON with the properties of every object in order, so that it does not depend on who wrote it down. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
