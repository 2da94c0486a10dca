import type { Logger } from 'pino'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import type { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import type { ConsumerMetrics } from '#drivers/metrics.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { CatalogueNaming } from './name-catalogue.ts'

interface CatalogueTimerOptions {
  readonly catalogues: MongoCatalogueStore
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  /** Counts drift by meter: a meter that nothing drifted of yet stands at 0, so that the first one is seen as a rise. */
  readonly drifts: ConsumerMetrics['drifts']
}

/**
 * Reads new revisions of the catalogue, and names the newest to the checks; the answer ends that.
 *
 * The API names a revision as soon as it is stored; this mends what an API that died in between left undone.
 */
export function startCatalogueTimer(options: CatalogueTimerOptions): () => Promise<void> {
  const { catalogues, redis, shards, log, drifts } = options
  const show = ({ meters }: Catalogue): void => {
    for (const meter of Object.keys(meters)) drifts.inc({ meter }, 0)
  }
  show(catalogues.remembered())
  const naming = new CatalogueNaming({ catalogues, redis, shards, now: () => performance.now() })
  return catalogues.keepFresh(log, async (catalogue) => {
    show(catalogue)
    const lowered = await naming.name()
    if (lowered > 0)
      log.warn(
        { shards: lowered, revision: catalogue.revision },
        'MongoDB lacks the catalogue that Redis named',
      )
  })
}
