import type { CatalogueStore } from '#core/ports.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { raiseCatalogue } from '#drivers/redis/shard-scripts.ts'

interface NameOptions {
  readonly catalogues: Pick<CatalogueStore, 'remembered' | 'load'>
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
}

/**
 * Names the newest revision of the catalogue to the checks; returns how many shards named one that there is not.
 *
 * A revision is stored before Redis names it, so that a MongoDB which does not have it was restored from a backup: every hold
 * would be refused until as many revisions are stored again, and Redis is given what there is.
 */
export async function nameCatalogue({ catalogues, redis, shards }: NameOptions): Promise<number> {
  const name = async (keys: ShardKeys): Promise<number> => {
    const { revision } = catalogues.remembered()
    const lost = await raiseCatalogue(redis, { keys, revision })
    if (lost <= revision) return 0
    const { revision: newest } = await catalogues.load(lost)
    if (newest >= lost) return 0
    await raiseCatalogue(redis, { keys, revision: newest, lost })
    return 1
  }
  const lowered = await Promise.all(shards.map(name))
  return lowered.reduce((sum, one) => sum + one, 0)
}
