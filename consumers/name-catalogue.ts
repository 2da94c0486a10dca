import type { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { raiseCatalogue } from '#drivers/redis/shard-scripts.ts'

/**
 * How long MongoDB must lack a revision before it is taken for lost, ms: a primary that was cut off answers for ten seconds, by
 * default, without what the next one stored.
 */
const LOST_AFTER_MS = 20_000

interface NamingOptions {
  readonly catalogues: Pick<MongoCatalogueStore, 'remembered' | 'load' | 'heard' | 'takeBack'>
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  /** A clock that never goes back, ms. */
  readonly now: () => number
}

/** A revision that Redis names and MongoDB lacks, and since when that is known. */
interface Lacking {
  readonly revision: number
  readonly since: number
}

/** The revision that a shard names, and whether it named a newer one that was lost. */
interface Named {
  readonly inForce: number
  readonly isLowered: boolean
}

/**
 * Names the newest revision of the catalogue to the checks.
 *
 * A revision is stored before Redis names it, so that a MongoDB which does not have it was restored from a backup: every hold
 * would be refused until as many revisions are stored again, and Redis is given what there is.
 */
export class CatalogueNaming {
  readonly #options: NamingOptions
  readonly #lacking = new Map<ShardKeys, Lacking>()

  constructor(options: NamingOptions) {
    this.#options = options
  }

  /** To be called every few seconds; how many shards named a revision that was lost, and name another one now. */
  async name(): Promise<number> {
    const { catalogues, shards } = this.#options
    const heard = catalogues.heard()
    const named = await Promise.all(shards.map((keys) => this.#nameOf(keys)))
    await this.#takeBack(heard, named)
    return named.filter(({ isLowered }) => isLowered).length
  }

  /** What was measured would ask MongoDB each time for a revision that is lost, and wait while that is away. */
  async #takeBack(heard: number, named: readonly Named[]): Promise<void> {
    const { catalogues } = this.#options
    if (heard <= catalogues.remembered().revision) return
    const { revision } = await catalogues.load(heard)
    if (heard > revision && named.every(({ inForce }) => inForce === revision))
      catalogues.takeBack({ heard, revision })
  }

  async #nameOf(keys: ShardKeys): Promise<Named> {
    const { catalogues, redis } = this.#options
    const { revision } = catalogues.remembered()
    const named = await raiseCatalogue(redis, { keys, revision })
    const newest = named <= revision ? revision : (await catalogues.load(named)).revision
    if (!this.#isLost(keys, { named, newest })) return { inForce: named, isLowered: false }
    return { inForce: await raiseCatalogue(redis, { keys, revision: newest, lost: named }), isLowered: true }
  }

  #isLost(keys: ShardKeys, { named, newest }: { readonly named: number; readonly newest: number }): boolean {
    const known = this.#lacking.get(keys)
    const now = this.#options.now()
    const isLacked = newest < named
    const since = known?.revision === named ? known.since : now
    if (isLacked && now - since < LOST_AFTER_MS) this.#lacking.set(keys, { revision: named, since })
    else this.#lacking.delete(keys)
    return isLacked && now - since >= LOST_AFTER_MS
  }
}
