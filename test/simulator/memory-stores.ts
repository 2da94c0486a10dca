import type { PastDays } from '#core/ports.ts'
import type { PageStore } from '#drivers/mongo/usage-days.ts'

/** Lives of shards in memory. */
export class MemoryIncarnations {
  readonly #newest = new Map<number, number>()

  async newest(shard: number): Promise<number> {
    return this.#newest.get(shard) ?? 0
  }

  /** MongoDB is set back to a backup. */
  restore(shard: number, newest: number): void {
    this.#newest.set(shard, newest)
  }

  async claim(shard: number): Promise<number> {
    const next = (await this.newest(shard)) + 1
    this.#newest.set(shard, next)
    return next
  }
}

/** Pages of past days in memory: inserted once, never changed. */
export class MemoryPages implements PageStore {
  readonly #pages = new Map<string, PastDays>()

  async insert(name: string, page: PastDays): Promise<void> {
    if (this.#pages.has(name)) throw new Error(`the page ${name} exists`)
    this.#pages.set(name, page)
  }

  async page(name: string): Promise<PastDays> {
    const page = this.#pages.get(name)
    if (page === undefined) throw new Error(`no page ${name}`)
    return page
  }
}
