import type { DayArchive } from '#core/ports.ts'
import type { ReachedCounters } from '#core/usage/recount.ts'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import type { SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import { reachedCounters } from './read-counters.ts'

interface SnapshotDeps {
  readonly snapshots: SnapshotStore
  readonly archive: DayArchive
  readonly partitionOf: (workspace: string) => number
}

/** Where counting a shard can start. */
export interface Starts {
  /** What the snapshots say of a workspace: nothing was counted of one that is in none of them. */
  readonly of: (workspace: string) => ReachedCounters | null
  /** Last offset of a partition that the snapshots cover, −1 without any. */
  readonly base: (partition: number) => number
}

/** Reads where counting can start for a shard whose log is shorter than its counters need. */
export async function readStarts(
  { snapshots, archive, partitionOf }: SnapshotDeps,
  shard: number,
): Promise<Starts> {
  const rounds = lastRounds(await snapshots.headers(shard))
  const rows = await mergeRounds(snapshots, shard, rounds)
  const newest = rounds.at(-1)
  if (newest === undefined || rows === null) return { of: () => null, base: () => -1 }
  const starts = new Map<string, ReachedCounters>()
  for (const row of rows) {
    const partition = partitionOf(row.workspace)
    const reached = Math.max(newest.base[partition] ?? -1, row.above[partition] ?? -1)
    starts.set(row.workspace, await reachedCounters(archive, row, reached))
  }
  const base = (partition: number): number => newest.base[partition] ?? -1
  const nothing = { fields: {}, members: {}, past: {}, pastThrough: '' }
  return {
    base,
    of: (workspace) => starts.get(workspace) ?? { ...nothing, reached: base(partitionOf(workspace)) },
  }
}
