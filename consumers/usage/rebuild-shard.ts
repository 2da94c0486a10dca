import type { Logger } from 'pino'
import type { Instant } from '#core/instant.ts'
import { DEDUPE_WINDOW_MS } from '#core/usage/append-time.ts'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import type { SnapshotHeader, SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { scanShard } from '#drivers/redis/scan-shard.ts'
import {
  dropKeys,
  keepLease,
  openShard,
  type PartitionStart,
  takeOver,
} from '#drivers/redis/shard-scripts.ts'
import { putRow, type SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'

/** What a rebuild needs of its surroundings. */
export interface RebuildDeps {
  readonly redis: Redis
  readonly incarnations: Pick<IncarnationLog, 'newest' | 'claim'>
  readonly snapshots: SnapshotStore
  readonly log: Logger
  readonly name: string
  readonly now: () => number
  readonly ranges: () => Promise<readonly LogRange[]>
  /** First offset of a partition that was appended at or after an instant; its end when none was. */
  readonly offsetAt: (partition: number, instant: number) => Promise<number>
  readonly catalogueRevision: () => Promise<number>
  /** How long a rebuilder that gives no sign of life is left alone, ms; 10 s if left out. */
  readonly leaseMs?: number
  /** This process won the shard, and begins. */
  readonly onStarted?: () => void
}

/** Only saves work: safety rests on the token. */
const LEASE_MS = 10_000
/** Rows that are written at once. */
const AT_ONCE = 128
/** Folds take at most two rounds away while snapshots are read; more failures than this are no race. */
const READ_ATTEMPTS = 5

/** What snapshots say of a shard: rows, and the round that states their base; null without any round. */
interface Restored {
  readonly newest: SnapshotHeader | null
  readonly rows: readonly SnapshotRow[]
}

/**
 * Gives a shard that lost its incarnation a new life: counters from the snapshots, the rest from the log.
 *
 * Safe to die anywhere and to run twice: the incarnation number has one winner in MongoDB, and every write
 * checks that this rebuild still owns the shard (counting.md, "rebuild"). The log is read again from a dedupe
 * window before the snapshot, to know the ids, not to count them. Where counts are missing from the log the
 * shard is marked as a lower bound.
 */
export async function rebuildShard(deps: RebuildDeps, keys: ShardKeys): Promise<'rebuilt' | 'left'> {
  const { redis, name: holder, leaseMs: forMs = LEASE_MS } = deps
  const lease = keys.lease('rebuild')
  if ((await redis.set(lease, holder, 'PX', forMs, 'NX')) === null) return 'left'
  const keep = (): unknown => keepLease(redis, { lease, holder, forMs }).catch(() => undefined)
  const keeping = setInterval(keep, forMs / 3)
  try {
    const outcome = await rebuildHeld(deps, keys)
    if (outcome === 'rebuilt') await keepLease(redis, { lease, holder, forMs: 0 })
    return outcome
  } finally {
    clearInterval(keeping)
  }
}

async function rebuildHeld(deps: RebuildDeps, keys: ShardKeys): Promise<'rebuilt' | 'left'> {
  const { redis, incarnations, log, name } = deps
  await refuseRemade(deps, keys)
  const token = await incarnations.claim(keys.shard, { startedAt: deps.now(), startedBy: name })
  if (token === null || (await takeOver(redis, { keys, token })) === 'LOST') return 'left'
  deps.onStarted?.()
  const drops = await dropAll(deps, keys, token)
  if (drops === 'LOST') return 'left'
  const restored = await readSnapshots(deps.snapshots, keys.shard)
  if ((await putRows(deps, { keys, token, rows: restored.rows })) === 'LOST') return 'left'
  const ranges = await deps.ranges()
  const counted = countedUpTo(ranges, restored.newest)
  const start = (range: LogRange): Promise<PartitionStart> => startOf(deps, range, { ...restored, counted })
  const partitions = await Promise.all(ranges.map(start))
  const opened = await openShard(redis, {
    keys,
    token,
    catalogueRevision: await deps.catalogueRevision(),
    writes: drops + restored.rows.length,
    hasThresholds: restored.rows.some(({ above }) => Object.keys(above).length > 0),
    partitions,
  })
  log.warn(
    { shard: keys.shard, incarnation: token, workspaces: restored.rows.length, opened },
    'shard rebuilt; the log is read on',
  )
  return opened === 'OK' ? 'rebuilt' : 'left'
}

/** Touches nothing of a shard that has counted more than a log holds: only a rebase can tell what to make of it. */
async function refuseRemade({ snapshots, ranges }: RebuildDeps, { shard }: ShardKeys): Promise<void> {
  const newest = (await snapshots.headers(shard)).at(-1)
  for (const { partition, high } of await ranges()) {
    const counted = newest?.base[partition] ?? -1
    if (counted >= high) throw new Error(remadeReason(partition, { high, counted }))
  }
}

/** Reads the rounds that are needed; anew when a fold took some of them away meanwhile. */
async function readSnapshots(snapshots: SnapshotStore, shard: number): Promise<Restored> {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt += 1) {
    const needed = lastRounds(await snapshots.headers(shard))
    const rows = await mergeRounds(snapshots, shard, needed)
    if (rows !== null) return { newest: needed.at(-1) ?? null, rows }
  }
  throw new Error(
    `a snapshot of shard ${shard} lacks a part: restore the collection snapshot_segments, or delete the headers of this shard so that all of the log is read`,
  )
}

/** What to say of a partition whose log ends before what was counted of it. */
export function remadeReason(
  partition: number,
  { high, counted }: { readonly high: number; readonly counted: number },
): string {
  return `partition ${partition} ends at ${high}, but was counted up to ${counted}: the topic was made anew, or its log lost its end; stop the consumers and run tallygate rebase`
}

/**
 * Up to when everything was counted, ms: the least over the partitions that the snapshot left behind their end, from which
 * copies of older events may come, wherever those are. Nothing is known of one that was never counted.
 */
function countedUpTo(ranges: readonly LogRange[], newest: SnapshotHeader | null): Instant {
  const behind = ranges.filter(({ partition, high }) => (newest?.base[partition] ?? -1) < high - 1)
  return Math.min(...behind.map(({ partition }) => newest?.at[partition] ?? Number.POSITIVE_INFINITY))
}

async function startOf(
  { offsetAt }: RebuildDeps,
  { partition, low, high }: LogRange,
  { newest, counted }: Pick<Restored, 'newest'> & { readonly counted: Instant },
): Promise<PartitionStart> {
  const base = newest?.base[partition] ?? -1
  if (base >= high) throw new Error(remadeReason(partition, { high, counted: base }))
  const at = newest?.at[partition] ?? 0
  const seededSince = Math.min(at, counted) - DEDUPE_WINDOW_MS
  const seedFrom = base === -1 ? low : Math.min(await offsetAt(partition, seededSince), base + 1)
  const watermark = Math.max(seedFrom, low) - 1
  const isLowerBound = low > base + 1 || newest?.lowerBounds.includes(partition) === true
  return { partition, watermark, at, base, target: high - 1, isLowerBound }
}

interface PutInput {
  readonly keys: ShardKeys
  readonly token: number
  readonly rows: readonly SnapshotRow[]
}

async function putRows({ redis }: RebuildDeps, { keys, token, rows }: PutInput): Promise<'OK' | 'LOST'> {
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const outcomes = await Promise.all(
      rows.slice(from, from + AT_ONCE).map((row) => putRow(redis, { keys, token, row })),
    )
    if (outcomes.includes('LOST')) return 'LOST'
  }
  return 'OK'
}

async function dropAll({ redis }: RebuildDeps, keys: ShardKeys, token: number): Promise<number | 'LOST'> {
  let drops = 0
  const spared = new Set([keys.meta, keys.lease('rebuild')])
  for await (const found of scanShard(redis, keys)) {
    const names = found.filter((name) => !spared.has(name))
    if (names.length === 0) continue
    if ((await dropKeys(redis, { keys, token, names })) === 'LOST') return 'LOST'
    drops += 1
  }
  return drops
}
