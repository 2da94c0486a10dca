/** Entries of each kind that are remembered at once. */
const REMEMBERED_MAX = 10_000

/**
 * What was read of keys, by id: those that exist apart from those that do not.
 *
 * Whoever tries ten thousand made-up ids makes others like them be forgotten, and no key that exists. Where there are
 * too many of those, the one that was read longest ago goes.
 */
export class RememberedKeys<Entry> {
  readonly #isAbsent: (entry: Entry) => boolean
  readonly #present = new Map<string, Entry>()
  readonly #absent = new Map<string, Entry>()

  constructor(isAbsent: (entry: Entry) => boolean) {
    this.#isAbsent = isAbsent
  }

  get(id: string): Entry | undefined {
    return this.#present.get(id) ?? this.#absent.get(id)
  }

  set(id: string, entry: Entry): void {
    this.delete(id)
    const kind = this.#isAbsent(entry) ? this.#absent : this.#present
    if (kind.size >= REMEMBERED_MAX) {
      const [oldest = id] = kind.keys()
      kind.delete(oldest)
    }
    kind.set(id, entry)
  }

  delete(id: string): void {
    this.#present.delete(id)
    this.#absent.delete(id)
  }
}
