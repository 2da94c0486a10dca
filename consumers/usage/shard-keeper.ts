import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import { lacksLife, type SnapshotHeader } from '#drivers/mongo/snapshot-log.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import type { Offsets } from '#drivers/redis/snapshot-scripts.ts'
import { type RebuildDeps, rebuildShard } from './rebuild-shard.ts'
import { countedUpto, readPositions, type ShardPosition } from './shard-state.ts'

interface KeeperOptions extends RebuildDeps {
  readonly shards: readonly ShardKeys[]
  readonly onRebuilt: (shard: number, tookMs: number) => void
}

/** How long to wait for another process that rebuilds. */
const WAIT_MS = 100

/** Keeps every shard alive: finds those without an incarnation and rebuilds them, each once at a time. */
export class ShardKeeper {
  readonly #options: KeeperOptions
  readonly #rebuilding = new Map<number, Promise<void>>()
  /** Newest lives, and rounds of snapshots, that MongoDB is being asked for. */
  readonly #lives = new Map<number, Promise<number>>()
  readonly #rounds = new Map<number, Promise<readonly SnapshotHeader[]>>()

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /**
   * Where each shard stands on a partition, after rebuilding those that have no life, or one that another followed: Redis
   * went back to before a rebuild or a rebase, and its offsets may be those of another log.
   */
  async positions(partition: number, isWanted: () => boolean): Promise<readonly ShardPosition[]> {
    const { redis, shards } = this.#options
    for (;;) {
      const positions = await readPositions(redis, shards, partition)
      const newest = await Promise.all(shards.map((keys) => this.#newestOf(keys)))
      const missing = shards.filter((_, shard) => {
        const incarnation = positions[shard]?.incarnation ?? null
        return incarnation === null || Number(incarnation) < (newest[shard] ?? 0)
      })
      if (missing.length === 0) return positions
      if (!isWanted()) throw new Error(`partition ${partition} was given to another consumer`)
      await Promise.all(missing.map((keys) => this.#rebuild(keys)))
    }
  }

  /**
   * Last offset of a partition that a snapshot holds, −1 where none does, and without MongoDB: a log that ends before it is
   * another one, also where Redis went back to before that.
   */
  async kept(partition: number, positions: readonly ShardPosition[]): Promise<number> {
    const kept = this.#options.shards.map(async (keys) => {
      const stored = await this.#storedOf(keys, positions).catch((): Offsets => ({}))
      return stored[partition] ?? -1
    })
    return Math.max(-1, ...(await Promise.all(kept)))
  }

  /**
   * Rebuilds the shards that lack records which the log has no more and a snapshot holds: Redis went back a long way. True
   * when there were any, so that the positions are others now.
   */
  async restored(
    positions: readonly ShardPosition[],
    { partition, low }: Pick<LogRange, 'partition' | 'low'>,
  ): Promise<boolean> {
    const { shards } = this.#options
    const isKept = await Promise.all(
      shards.map(async (keys) => {
        const position = positions[keys.shard] ?? { watermark: -1, base: -1 }
        if (position.watermark >= low - 1) return false
        const stored = await this.#storedOf(keys, positions)
        return (stored[partition] ?? -1) > countedUpto(position)
      }),
    )
    const lost = shards.filter((_, shard) => isKept[shard] === true)
    await Promise.all(lost.map((keys) => this.#rebuild(keys)))
    return lost.length > 0
  }

  /** A shard answered INC: another life than the session knew, or half a call. Rebuilds it unless it is the newest. */
  async onLost(shard: number): Promise<void> {
    const keys = this.#options.shards[shard]
    if (keys === undefined) return
    const [position] = await readPositions(this.#options.redis, [keys], 0)
    const incarnation = position?.incarnation ?? null
    const newest = await this.#options.incarnations.newest(shard)
    if (incarnation !== null && Number(incarnation) >= newest) return
    await this.#rebuild(keys)
  }

  /** Without MongoDB what Redis says goes. */
  #newestOf({ shard }: ShardKeys): Promise<number> {
    return together(this.#lives, shard, (own) => this.#options.incarnations.newest(own)).catch(() => 0)
  }

  /** What the newest snapshot of a shard holds of the log that there is. */
  async #storedOf(keys: ShardKeys, positions: readonly ShardPosition[]): Promise<Offsets> {
    const { shard } = keys
    const [headers, newest] = await Promise.all([this.#headersOf(shard), this.#newestOf(keys)])
    const last = headers.at(-1)
    const incarnation = positions[shard]?.incarnation ?? null
    return last === undefined || lacksLife(last, { incarnation, newest }) ? {} : last.base
  }

  #headersOf(shard: number): Promise<readonly SnapshotHeader[]> {
    return together(this.#rounds, shard, (own) => this.#options.snapshots.headers(own))
  }

  async #rebuild(keys: ShardKeys): Promise<void> {
    const underWay = this.#rebuilding.get(keys.shard)
    if (underWay !== undefined) return underWay
    const rebuild = this.#rebuildOnce(keys).finally(() => this.#rebuilding.delete(keys.shard))
    this.#rebuilding.set(keys.shard, rebuild)
    return rebuild
  }

  async #rebuildOnce(keys: ShardKeys): Promise<void> {
    const began = performance.now()
    const outcome = await rebuildShard(this.#options, keys)
    if (outcome === 'rebuilt') this.#options.onRebuilt(keys.shard, performance.now() - began)
    else await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  }
}

/** Asks once for all who ask at the same time, as partitions do that open together. */
function together<Value>(
  underWay: Map<number, Promise<Value>>,
  shard: number,
  ask: (shard: number) => Promise<Value>,
): Promise<Value> {
  const asked = underWay.get(shard) ?? ask(shard)
  underWay.set(shard, asked)
  return asked.finally(() => underWay.delete(shard))
}
