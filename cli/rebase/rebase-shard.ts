import { randomUUID } from 'node:crypto'
import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import { lacksLife, type SnapshotHeader, type SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'
import { scanShard } from '#drivers/redis/scan-shard.ts'
import { basesOf, lowerBoundsOf, numbersOf } from '#drivers/redis/shard-offsets.ts'
import { rebaseMeta } from '#drivers/redis/shard-scripts.ts'
import { beginRound, type Offsets, readWholeRow, type SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'
import { isWhole } from '#drivers/redis/whole-shard.ts'
import type { RemadePartition } from './find-remade.ts'

interface RebaseDeps {
  readonly redis: Redis
  readonly snapshots: SnapshotStore
  readonly incarnations: Pick<IncarnationLog, 'newest' | 'claim'>
  readonly now: () => number
  /** Who rebases; for people who read the log of incarnations. */
  readonly name: string
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
 * Keeps what a shard counted and lets it go on where the log holds what nobody counted.
 *
 * First a full snapshot whose base lies there, so that a rebuild counts all of it; then, in one script, the shard itself,
 * in a life of its own: offsets of the log before mean nothing any more. The number of that life is taken when the snapshot
 * is stored: to die before leaves a shard that refuses the log until this runs again, to die after it one that is rebuilt from that
 * snapshot. It is taken first where Redis is behind what is kept: it would be taken for what there is when this runs again. The
 * consumers must be stopped.
 */
export async function rebaseShard(
  deps: RebaseDeps,
  keys: ShardKeys,
  { remade, isComplete }: RebaseWish,
): Promise<'rebased' | 'empty'> {
  const headers = await deps.snapshots.headers(keys.shard)
  const held = await readHeld(deps, keys, { headers, remade })
  if (held === null) return 'empty'
  const newest = await deps.incarnations.newest(keys.shard)
  const token = Math.max(newest, Number(held.incarnation ?? 0)) + 1
  const starts = Object.fromEntries(remade.map((own) => [own.partition, startOf(held, own)]))
  const header: SnapshotHeader = {
    round: (headers.at(-1)?.round ?? 0) + 1,
    incarnation: String(token),
    nonce: randomUUID().slice(0, 8),
    base: { ...held.base, ...starts },
    at: held.at,
    lowerBounds: [
      ...new Set([...held.lowerBounds, ...(isComplete ? [] : remade.map(({ partition }) => partition))]),
    ],
    full: true,
  }
  const rows = held.rows.map((row) => ({ ...row, above: aboveIn(row.above, starts, remade) }))
  const { incarnation } = held
  if (incarnation === null) await claimLife(deps, keys, token)
  if (!(await deps.snapshots.append(keys.shard, header, rows)))
    throw new Error(
      `another process stored a snapshot of shard ${keys.shard}; stop all consumers and run rebase again`,
    )
  if (incarnation === null) return 'rebased'
  await claimLife(deps, keys, token)
  await rebaseLive(deps.redis, keys, { incarnation, token, starts }, { remade, isComplete })
  return 'rebased'
}

/** Takes the number of a life, and those before it that a restored MongoDB lacks. */
async function claimLife(
  { incarnations, now, name }: RebaseDeps,
  keys: ShardKeys,
  token: number,
): Promise<void> {
  for (let claimed: number | null = 0; claimed !== token; ) {
    claimed = await incarnations.claim(keys.shard, { startedAt: now(), startedBy: name })
    if (claimed === null || claimed > token) throw begun(keys)
  }
}

/** What a shard goes on after: one that had not counted all that is left of the log counts the rest of it. */
function startOf({ base }: Held, { partition, cause, goesOnAfter }: RemadePartition): number {
  return cause === 'made anew' ? goesOnAfter : Math.min(base[partition] ?? -1, goesOnAfter)
}

/** What a workspace has beyond where its shard goes on, as far as the log holds it. */
function aboveIn(above: Offsets, starts: Offsets, remade: readonly RemadePartition[]): Offsets {
  const kept: Record<string, number> = { ...above }
  for (const { partition, cause, goesOnAfter } of remade) {
    const own = Math.min(above[partition] ?? -1, goesOnAfter)
    if (cause === 'made anew' || own <= (starts[partition] ?? -1)) delete kept[partition]
    else kept[partition] = own
  }
  return kept
}

interface Life {
  readonly incarnation: string
  readonly token: number
  readonly starts: Offsets
}

async function rebaseLive(
  redis: Redis,
  keys: ShardKeys,
  { incarnation, token, starts }: Life,
  { remade, isComplete }: RebaseWish,
): Promise<void> {
  for await (const found of scanShard(redis, keys, keys.thresholds('')))
    for (const name of found) await moveThresholds(redis, name, { starts, remade })
  const partitions = remade.map(({ partition, high }) => {
    return { partition, watermark: starts[partition] ?? -1, target: high - 1, isLowerBound: !isComplete }
  })
  if ((await rebaseMeta(redis, { keys, incarnation, token, partitions })) === 'INC') throw begun(keys)
}

/** All that there are: those of a workspace of which nothing is counted yet, too. */
async function moveThresholds(
  redis: Redis,
  name: string,
  { starts, remade }: Pick<Life, 'starts'> & Pick<RebaseWish, 'remade'>,
): Promise<void> {
  const above = Object.fromEntries(
    Object.entries(await redis.hgetall(name)).map(([tp, offset]) => [tp, Number(offset)]),
  )
  const kept = aboveIn(above, starts, remade)
  for (const { partition } of remade) {
    const own = kept[partition]
    if (own === undefined) await redis.hdel(name, String(partition))
    else await redis.hset(name, String(partition), String(own))
  }
}

function begun({ shard }: ShardKeys): Error {
  return new Error(`shard ${shard} began another life meanwhile; stop all consumers and run rebase again`)
}

interface Stored {
  readonly headers: readonly SnapshotHeader[]
  readonly remade: readonly RemadePartition[]
}

/** What Redis holds; or the snapshots, where Redis went back and they have more that the log does not have any more. */
async function readHeld(
  deps: RebaseDeps,
  keys: ShardKeys,
  { headers, remade }: Stored,
): Promise<Held | null> {
  const live = await readLive(deps, keys)
  const last = headers.at(-1)
  const newest = await deps.incarnations.newest(keys.shard)
  if (live !== null && lacksLife(last, { incarnation: live.incarnation, newest })) return live
  const stored = last?.base ?? {}
  const ahead = (tp: number | string): number => (stored[tp] ?? -1) - (live?.base[tp] ?? -1)
  const hasMore =
    Object.keys(stored).some((tp) => ahead(tp) > 0) && remade.every(({ partition }) => ahead(partition) >= 0)
  return live === null || hasMore ? readStored(deps, keys, headers) : live
}

/** Null where Redis has no life of the shard, half a call, or a life that another followed: its offsets may be of another log. */
async function readLive(
  { redis, incarnations, distinctMeters }: RebaseDeps,
  keys: ShardKeys,
): Promise<Held | null> {
  const { meta } = await beginRound(redis, { keys })
  const incarnation = meta['inc']
  if (incarnation === undefined || !isWhole(meta)) return null
  if (Number(incarnation) < (await incarnations.newest(keys.shard))) return null
  const base = basesOf(meta)
  const rows: SnapshotRow[] = []
  for (const workspace of await listWorkspaces(redis, keys)) {
    const row = await readWholeRow(redis, { keys, incarnation, base, workspace, meters: distinctMeters })
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
