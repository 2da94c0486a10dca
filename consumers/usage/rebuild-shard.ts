import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { dropKeys, openShard, type PartitionStart, takeOver } from '#drivers/redis/shard-scripts.ts'

/** First and next offset of a partition. */
export interface LogRange {
  readonly partition: number
  readonly low: number
  readonly high: number
}

/** What a rebuild needs of its surroundings. */
export interface RebuildDeps {
  readonly redis: Redis
  readonly incarnations: IncarnationLog
  readonly log: Logger
  readonly name: string
  readonly now: () => number
  readonly ranges: () => Promise<readonly LogRange[]>
  readonly catalogueRevision: () => Promise<number>
}

/** How long one rebuilder is left alone; only saves work, safety rests on the token. */
const LEASE_MS = 10_000
const SCAN_COUNT = 1_000

/**
 * Gives a shard that lost its incarnation a new life: empty counters, and every partition to be read again.
 *
 * Safe to die anywhere and to run twice: the incarnation number has one winner in MongoDB, and every write
 * checks that this rebuild still owns the shard (counting.md, "rebuild"). Without snapshots the whole log is
 * replayed; where it no longer starts at 0 the counters are marked as a lower bound.
 */
export async function rebuildShard(deps: RebuildDeps, keys: ShardKeys): Promise<'rebuilt' | 'left'> {
  const { redis, incarnations, log, name } = deps
  const lease = keys.lease('rebuild')
  if ((await redis.set(lease, name, 'PX', LEASE_MS, 'NX')) === null) return 'left'
  const token = await incarnations.claim(keys.shard, { startedAt: deps.now(), startedBy: name })
  if (token === null || (await takeOver(redis, { keys, token })) === 'LOST') return 'left'
  log.warn({ shard: keys.shard, incarnation: token }, 'rebuilding the shard from the log')
  if ((await dropAll(deps, keys, token)) === 'LOST') return 'left'
  const partitions = (await deps.ranges()).map(startOf)
  const catalogueRevision = await deps.catalogueRevision()
  const opened = await openShard(redis, { keys, token, catalogueRevision, partitions })
  await redis.del(lease)
  return opened === 'OK' ? 'rebuilt' : 'left'
}

function startOf({ partition, low, high }: LogRange): PartitionStart {
  return { partition, watermark: low - 1, base: -1, target: high - 1, isLowerBound: low > 0 }
}

async function dropAll({ redis }: RebuildDeps, keys: ShardKeys, token: number): Promise<'OK' | 'LOST'> {
  const spared = new Set([keys.meta, keys.lease('rebuild')])
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${keys.prefix}*`, 'COUNT', SCAN_COUNT)
    const names = found.filter((name) => !spared.has(name))
    if (names.length > 0 && (await dropKeys(redis, { keys, token, names })) === 'LOST') return 'LOST'
    cursor = next
  } while (cursor !== '0')
  return 'OK'
}
