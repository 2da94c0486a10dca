import type { Logger } from 'pino'
import { lastingMeters } from '#core/catalogue/feature.ts'
import { distinctMeters } from '#core/catalogue/meter.ts'
import type { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { keepLease } from '#drivers/redis/shard-scripts.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import { forgetIds } from './forget-ids.ts'
import { type SnapshotDeps, snapshotRound } from './snapshot-round.ts'

interface TimerOptions extends Omit<SnapshotDeps, 'distinctMeters' | 'lastingMeters'> {
  readonly catalogues: Pick<MongoCatalogueStore, 'load' | 'remembered'>
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  readonly name: string
  readonly everyMs: number
  readonly ranges: () => Promise<readonly LogRange[]>
  readonly onRound: (shard: number, outcome: string) => void
}

/** Takes snapshots of every shard, and forgets old event ids, every so often until it is stopped. */
export function startSnapshots(options: TimerOptions): Rounds {
  const round = async (isStopped: () => boolean): Promise<void> => {
    for (const keys of options.shards) if (!isStopped()) await visit(options, keys)
  }
  return startRounds(options.everyMs, round, { first: 'later' })
}

/** One shard's turn; the lease only saves work when several processes run. */
async function visit(options: TimerOptions, keys: ShardKeys): Promise<void> {
  const { redis, name, log, ranges, everyMs, onRound, catalogues } = options
  const { shard } = keys
  const lease = keys.lease('snapshot')
  try {
    if ((await redis.set(lease, name, 'PX', everyMs, 'NX')) === null) return
    const deps = {
      ...options,
      distinctMeters: async (revision: number) => distinctMeters(await catalogues.load(revision)),
      lastingMeters: () => lastingMeters(catalogues.remembered()),
    }
    onRound(shard, await snapshotRound(deps, keys))
  } catch (error) {
    onRound(shard, 'failed')
    log.warn({ err: error, shard }, 'the snapshot failed; the next round takes what changed')
    // Another process may know the catalogue that this one cannot read.
    await keepLease(redis, { lease, holder: name, forMs: 0 }).catch(() => undefined)
  }
  try {
    await forgetIds({ redis, keys, ranges: await ranges() })
  } catch (error) {
    log.warn({ err: error, shard }, 'old event ids could not be forgotten; the next round tries again')
  }
}
