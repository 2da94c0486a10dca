import type { Offsets, SnapshotRow } from '../redis/snapshot-scripts.ts'
import type { SnapshotHeader, SnapshotStore } from './snapshot-log.ts'

/** The rounds that a rebuild needs: the newest full one and those after it, oldest first. */
export function lastRounds(headers: readonly SnapshotHeader[]): readonly SnapshotHeader[] {
  const full = headers.findLastIndex((header) => header.full)
  return full === -1 ? headers : headers.slice(full)
}

/**
 * The newest row of every workspace in some rounds, stated against the base of the newest round.
 *
 * A row covers whatever its own round's base covers, or more. Null when a part of a round is missing.
 */
export async function mergeRounds(
  snapshots: SnapshotStore,
  shard: number,
  headers: readonly SnapshotHeader[],
): Promise<readonly SnapshotRow[] | null> {
  const newest = headers.at(-1)
  if (newest === undefined) return []
  const merged = new Map<string, SnapshotRow>()
  for (const header of headers) {
    const rows = await snapshots.rows(shard, header)
    if (rows === null) return null
    for (const row of rows) {
      const above = coveredBeyond(newest.base, { row, base: header.base })
      merged.set(row.workspace, { ...row, above })
    }
  }
  return [...merged.values()]
}

function coveredBeyond(newest: Offsets, { row, base }: { row: SnapshotRow; base: Offsets }): Offsets {
  const partitions = new Set([...Object.keys(base), ...Object.keys(row.above)])
  const entries = [...partitions].map((tp): [string, number] => [
    tp,
    Math.max(base[tp] ?? -1, row.above[tp] ?? -1),
  ])
  return Object.fromEntries(entries.filter(([tp, offset]) => offset > (newest[tp] ?? -1)))
}
