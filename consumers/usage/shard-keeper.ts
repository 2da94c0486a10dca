import type { ShardKeys } from '#drivers/redis/keys.ts'
import { type RebuildDeps, rebuildShard } from './rebuild-shard.ts'
import { readPositions, type ShardPosition } from './shard-state.ts'

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

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  /** Where each shard stands on a partition, after rebuilding those that have no life. */
  async positions(partition: number, isWanted: () => boolean): Promise<readonly ShardPosition[]> {
    const { redis, shards } = this.#options
    for (;;) {
      const positions = await readPositions(redis, shards, partition)
      const missing = shards.filter((_, shard) => positions[shard]?.incarnation === null)
      if (missing.length === 0) return positions
      if (!isWanted()) throw new Error(`partition ${partition} was given to another consumer`)
      await Promise.all(missing.map((keys) => this.#rebuild(keys)))
    }
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
