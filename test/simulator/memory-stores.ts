import type { PastDays } from '#core/ports.ts'
import type { SnapshotHeader, SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { PageStore } from '#drivers/mongo/usage-days.ts'
import type { SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'

/** Rounds of snapshots in memory, with the one property that matters: a round is taken once. */
export class MemorySnapshots implements SnapshotStore {
  readonly #rounds = new Map<
    string,
    { readonly header: SnapshotHeader; readonly rows: readonly SnapshotRow[] }
  >()

  async headers(shard: number): Promise<readonly SnapshotHeader[]> {
    const own = [...this.#rounds].filter(([id]) => id.startsWith(`${shard}/`))
    return own.map(([, { header }]) => header).sort((a, b) => a.round - b.round)
  }

  async append(shard: number, header: SnapshotHeader, rows: readonly SnapshotRow[]): Promise<boolean> {
    const id = `${shard}/${header.round}`
    if (this.#rounds.has(id)) return false
    this.#rounds.set(id, { header, rows: structuredClone(rows) })
    return true
  }

  async rows(shard: number, { round }: SnapshotHeader): Promise<readonly SnapshotRow[] | null> {
    return this.#rounds.get(`${shard}/${round}`)?.rows ?? null
  }

  async drop(shard: number, headers: readonly SnapshotHeader[]): Promise<void> {
    for (const { round } of headers) this.#rounds.delete(`${shard}/${round}`)
  }
}

/** Lives of shards in memory. */
export class MemoryIncarnations {
  readonly #newest = new Map<number, number>()

  async newest(shard: number): Promise<number> {
    return this.#newest.get(shard) ?? 0
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
