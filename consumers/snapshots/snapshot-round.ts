import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import { lacksLife, type SnapshotHeader, type SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { PageStore } from '#drivers/mongo/usage-days.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'
import { basesOf, lowerBoundsOf, numbersOf } from '#drivers/redis/shard-offsets.ts'
import { forgetStamp } from '#drivers/redis/shard-scripts.ts'
import { beginRound, type Offsets, readWholeRow, type SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'
import { archiveDays, archivedThrough, archivedThroughLapse } from './archive-days.ts'

/** What a round needs. */
export interface SnapshotDeps {
  readonly redis: Redis
  readonly snapshots: SnapshotStore
  readonly incarnations: Pick<IncarnationLog, 'newest'>
  readonly days: PageStore
  /**
   * Distinct meters, whose members are part of a row, by a catalogue of that revision or a newer one. Throws where it cannot be
   * read: members of a meter that is not known might be in no row, and their workspace off the list.
   */
  readonly distinctMeters: (revision: number) => Promise<readonly string[]>
  /** Meters whose last window goes on after a lapse: `lastingMeters`. */
  readonly lastingMeters: () => readonly string[]
  readonly nonce: () => string
  /** Rounds after which they are folded into a full one; 64 if left out. */
  readonly foldAfter?: number
}

/** Rows that are read at once. */
const AT_ONCE = 64
const FOLD_AFTER = 64

/** What became of a round. */
export type RoundOutcome = 'stored' | 'nothing' | 'given-up'

/**
 * Stores the workspaces of a shard that changed since the last round, each as one pair of counters and offsets.
 *
 * Base and changed workspaces are from one instant, each row from one instant after it; when Redis went back or
 * began another life in between, or is behind the last round, the round is given up: what that holds may be in no log any
 * more. Its number is fixed before it begins, so that a round which took long is refused when another one was stored
 * meanwhile: rounds never overtake one another (ADR 0006). A workspace is taken off the list only if it did not change again
 * meanwhile (counting.md, "Snapshots").
 *
 * A MongoDB that lacks rounds which Redis knows to be stored, or the life of the shard, was restored from a backup: what changed
 * since is on no list any more, so that every workspace is stored, in a round that needs none before it.
 */
export async function snapshotRound(deps: SnapshotDeps, keys: ShardKeys): Promise<RoundOutcome> {
  const { redis, snapshots, nonce } = deps
  const headers = await snapshots.headers(keys.shard)
  const { meta, dirty } = await beginRound(redis, { keys })
  const changed = Object.entries(dirty)
  const incarnation = meta['inc']
  const newest = await deps.incarnations.newest(keys.shard)
  const last = headers.at(-1)
  const isBehind =
    Number(meta['snap'] ?? 0) > (last?.round ?? 0) ||
    lacksLife(last, { incarnation: incarnation ?? null, newest })
  const workspaces = isBehind ? await listWorkspaces(redis, keys) : Object.keys(dirty)
  if (incarnation === undefined || workspaces.length === 0) return 'nothing'
  const base = basesOf(meta)
  if (wentBack({ incarnation, newest, base }, last)) return 'given-up'
  const meters = await deps.distinctMeters(Number(meta['cat'] ?? 0))
  const rows = await readRows(redis, { keys, incarnation, base, meters, workspaces })
  if (rows === null) return 'given-up'
  const header: SnapshotHeader = {
    round: (last?.round ?? 0) + 1,
    incarnation,
    nonce: nonce(),
    base,
    at: numbersOf(meta, 'at:'),
    lowerBounds: lowerBoundsOf(meta),
    full: isBehind,
  }
  if (!(await snapshots.append(keys.shard, header, rows))) return 'given-up'
  const stored = { meta: keys.meta, round: header.round, incarnation }
  // Where nothing had changed the number is kept all the same.
  for (const [workspace, value] of changed.length === 0 ? [['', ''] as const] : changed)
    await forgetStamp(redis, { hash: keys.dirty, workspace, value, stored })
  const applied = Math.max(0, ...Object.values(header.at))
  const lasting = { meters: deps.lastingMeters(), through: archivedThroughLapse(applied) }
  const through = archivedThrough(applied)
  for (const row of rows) await archiveDays(deps, { keys, incarnation, row, through, lasting })
  await foldRounds(deps, keys.shard, [...headers, header])
  return 'stored'
}

/** Whether Redis went back to before the last round, or to a life that another followed: its offsets may be of another log. */
function wentBack(
  { incarnation, newest, base }: { incarnation: string; newest: number; base: Offsets },
  last: SnapshotHeader | undefined,
): boolean {
  if (Number(incarnation) < newest) return true
  if (lacksLife(last, { incarnation, newest })) return false
  return Object.entries(last?.base ?? {}).some(([tp, offset]) => (base[tp] ?? -1) < offset)
}

interface RowsInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly base: Offsets
  readonly meters: readonly string[]
  readonly workspaces: readonly string[]
}

async function readRows(redis: Redis, { workspaces, ...shared }: RowsInput): Promise<SnapshotRow[] | null> {
  const rows: SnapshotRow[] = []
  for (let from = 0; from < workspaces.length; from += AT_ONCE) {
    const slice = workspaces.slice(from, from + AT_ONCE)
    const read = await Promise.all(slice.map((workspace) => readWholeRow(redis, { ...shared, workspace })))
    for (const row of read) {
      if (row === null) return null
      rows.push(row)
    }
  }
  return rows
}

/** Merges many rounds into a full one, in MongoDB alone, and drops those before the previous full one. */
async function foldRounds(
  { snapshots, nonce, foldAfter = FOLD_AFTER }: SnapshotDeps,
  shard: number,
  headers: readonly SnapshotHeader[],
): Promise<void> {
  const needed = lastRounds(headers)
  const newest = needed.at(-1)
  if (newest === undefined || needed.length < foldAfter) return
  const rows = await mergeRounds(snapshots, shard, needed)
  if (rows === null) return
  const full: SnapshotHeader = { ...newest, round: newest.round + 1, nonce: nonce(), full: true }
  if (!(await snapshots.append(shard, full, rows))) return
  const previous = needed[0]?.round ?? 0
  await snapshots.drop(
    shard,
    headers.filter(({ round }) => round < previous),
  )
}
