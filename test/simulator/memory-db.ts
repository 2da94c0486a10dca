import { type Db, MongoServerError } from 'mongodb'

interface Document {
  readonly _id: string
}

interface Filter {
  readonly _id: string | { readonly $gte: string; readonly $lt: string }
}

/** Makes a call to a database; it may never run, or its answer may be lost. */
export type Through = <Value>(run: () => Promise<Value>) => Promise<Value>

/** A MongoDB in memory, as far as logs of inserts ask for it: documents by unique `_id`, one step after another. */
export function memoryDb(through: Through = (run) => run()): Db {
  const collections = new Map<string, MemoryCollection>()
  return Object({
    collection: (name: string) => {
      const own = collections.get(name) ?? new MemoryCollection(through)
      collections.set(name, own)
      return own
    },
  })
}

class MemoryCollection {
  readonly #documents = new Map<string, Document>()
  readonly #through: Through

  constructor(through: Through) {
    this.#through = through
  }

  find(filter: Filter): { readonly toArray: () => Promise<readonly Document[]> } {
    return { toArray: () => this.#through(async () => structuredClone(this.#matching(filter))) }
  }

  findOne(filter: Filter): Promise<Document | null> {
    return this.#through(async () => structuredClone(this.#matching(filter)[0] ?? null))
  }

  insertOne(document: Document): Promise<void> {
    return this.#through(async () => this.#insert(document))
  }

  /** A process that dies in the middle leaves the first ones. */
  async insertMany(documents: readonly Document[]): Promise<void> {
    for (const document of documents) await this.insertOne(document)
  }

  deleteOne(filter: Filter): Promise<void> {
    return this.#through(async () => this.#delete(this.#matching(filter).slice(0, 1)))
  }

  deleteMany(filter: Filter): Promise<void> {
    return this.#through(async () => this.#delete(this.#matching(filter)))
  }

  #insert(document: Document): void {
    if (this.#documents.has(document._id)) throw new MongoServerError({ message: 'duplicate', code: 11_000 })
    this.#documents.set(document._id, structuredClone(document))
  }

  #delete(documents: readonly Document[]): void {
    for (const { _id } of documents) this.#documents.delete(_id)
  }

  #matching({ _id }: Filter): readonly Document[] {
    const all = [...this.#documents.values()]
    return all.filter((own) =>
      typeof _id === 'string' ? own._id === _id : own._id >= _id.$gte && own._id < _id.$lt,
    )
  }
}
