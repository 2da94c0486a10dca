import { randomUUID } from 'node:crypto'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import type { SnapshotHeader, SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'
import { basesOf, lowerBoundsOf, numbersOf } from '#drivers/redis/shard-offsets.ts'
import { rebaseMeta } from '#drivers/redis/shard-scripts.ts'
import { beginRound, type Offsets, readRow, type SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'
import { isWhole } from '#drivers/redis/whole-shard.ts'
import type { RemadePartition } from './find-remade.ts'

interface RebaseDeps {
  readonly redis: Redis
  readonly snapshots: SnapshotStore
  readonly distinctMeters: readonly string[]
}

interface RebaseWish {
  readonly remade: readonly RemadePartition[]
  /** All of the old log was counted: nothing is missing. */
  readonly isComplete: boolean
}

/** What a shard holds, wherever it is kept. */
interface Held {
  readonly rows: readonly SnapshotRow[]
  readonly base: Offsets
  readonly at: Readonly<Record<string, number>>
  readonly lowerBounds: readonly number[]
  /** Null where only snapshots have it. */
  readonly incarnation: string | null
}

/**
 * Keeps what a shard counted and lets it go on at the start of the new log.
 *
 * First a full snapshot whose base lies before the new log, so that a rebuild counts all of it; then, in one script,
 * the shard itself. To die in between is harmless: the shard still refuses the new log until this runs again. The
 * consumers must be stopped.
 */
export async function rebaseShard(
  deps: RebaseDeps,
  keys: ShardKeys,
  { remade, isComplete }: RebaseWish,
): Promise<'rebased' | 'empty'> {
  const headers = await deps.snapshots.headers(keys.shard)
  const held = (await readLive(deps, keys)) ?? (await readStored(deps, keys, headers))
  if (held === null) return 'empty'
  const starts = Object.fromEntries(remade.map(({ partition, low }) => [partition, low - 1]))
  const header: SnapshotHeader = {
    round: (headers.at(-1)?.round ?? 0) + 1,
    incarnation: held.incarnation ?? '',
    nonce: randomUUID().slice(0, 8),
    base: { ...held.base, ...starts },
    at: without(held.at, starts),
    lowerBounds: [
      ...new Set([...held.lowerBounds, ...(isComplete ? [] : remade.map(({ partition }) => partition))]),
    ],
    full: true,
  }
  const rows = held.rows.map((row) => ({ ...row, above: without(row.above, starts) }))
  if (!(await deps.snapshots.append(keys.shard, header, rows)))
    throw new Error(
      `another process stored a snapshot of shard ${keys.shard}; stop all consumers and run rebase again`,
    )
  if (held.incarnation !== null) await rebaseLive(deps.redis, keys, held.incarnation, { remade, isComplete })
  return 'rebased'
}

async function rebaseLive(
  redis: Redis,
  keys: ShardKeys,
  incarnation: string,
  { remade, isComplete }: RebaseWish,
): Promise<void> {
  const names = remade.map(({ partition }) => String(partition))
  for (const workspace of await listWorkspaces(redis, keys)) {
    await redis.hdel(keys.thresholds(workspace), ...names)
  }
  const partitions = remade.map(({ partition, low, high }) => {
    return { partition, watermark: low - 1, target: high - 1, isLowerBound: !isComplete }
  })
  if ((await rebaseMeta(redis, { keys, incarnation, partitions })) === 'INC')
    throw new Error(
      `shard ${keys.shard} began another life meanwhile; stop all consumers and run rebase again`,
    )
}

async function readLive({ redis, distinctMeters }: RebaseDeps, keys: ShardKeys): Promise<Held | null> {
  const { meta } = await beginRound(redis, { keys })
  const incarnation = meta['inc']
  if (incarnation === undefined || !isWhole(meta)) return null
  const base = basesOf(meta)
  const rows: SnapshotRow[] = []
  for (const workspace of await listWorkspaces(redis, keys)) {
    const row = await readRow(redis, { keys, incarnation, base, workspace, meters: distinctMeters })
    if (row === null) return null
    rows.push(row)
  }
  return { rows, base, at: numbersOf(meta, 'at:'), lowerBounds: lowerBoundsOf(meta), incarnation }
}

async function readStored(
  { snapshots }: RebaseDeps,
  { shard }: ShardKeys,
  headers: readonly SnapshotHeader[],
): Promise<Held | null> {
  const needed = lastRounds(headers)
  const newest = needed.at(-1)
  if (newest === undefined) return null
  const rows = await mergeRounds(snapshots, shard, needed)
  if (rows === null)
    throw new Error(`a snapshot of shard ${shard} lacks a part; restore snapshot_segments first`)
  return { rows, base: newest.base, at: newest.at, lowerBounds: newest.lowerBounds, incarnation: null }
}

function without<Value>(
  all: Readonly<Record<string, Value>>,
  removed: Readonly<Record<string, unknown>>,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !(name in removed)))
}
