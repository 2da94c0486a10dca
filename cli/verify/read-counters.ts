import { readPastDays } from '#core/operations/read-past-days.ts'
import type { DayArchive } from '#core/ports.ts'
import { ARCHIVE_FIELD } from '#core/usage/counter-fields.ts'
import type { ReachedCounters } from '#core/usage/recount.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'
import { beginRound, readRow, type SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'

/** Workspaces that are read at once. */
const AT_ONCE = 64

interface ReadDeps {
  readonly redis: Redis
  readonly archive: DayArchive
  readonly partitionOf: (workspace: string) => number
  readonly distinctMeters: readonly string[]
}

/** The counters of a shard, and how far the shard reaches in each partition. */
export interface ShardCounters {
  readonly counters: ReadonlyMap<string, ReachedCounters>
  /** Last covered offset by partition, as of before the counters were read. */
  readonly reached: Readonly<Record<string, number>>
}

/** Reads a shard's counters while it is written to, each workspace at one instant; null while it is rebuilt. */
export async function readCounters(
  deps: ReadDeps,
  keys: ShardKeys,
  only: string | null,
): Promise<ShardCounters | null> {
  const { meta } = await beginRound(deps.redis, { keys })
  const incarnation = meta['inc']
  if (incarnation === undefined || meta['ready'] !== '1') return null
  const counters = new Map<string, ReachedCounters>()
  const names = only === null ? await listWorkspaces(deps.redis, keys) : [only]
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const slice = names.slice(from, from + AT_ONCE)
    const read = await Promise.all(slice.map((workspace) => readOne(deps, { keys, incarnation, workspace })))
    if (read.includes(null)) return null
    for (const [index, one] of read.entries()) {
      if (one !== null && hasCounters(one)) counters.set(slice[index] ?? '', one)
    }
  }
  return { counters, reached: reachedOf(meta) }
}

/** Counters of a snapshot row as they are compared. */
export async function reachedCounters(
  archive: DayArchive,
  { fields, members }: Pick<SnapshotRow, 'fields' | 'members'>,
  reached: number,
): Promise<ReachedCounters> {
  const page = fields[ARCHIVE_FIELD] ?? null
  const pastThrough = page === null ? '' : (await archive.page(page)).through
  return { reached, fields, members, past: await readPastDays(archive, page, ''), pastThrough }
}

interface OneInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly workspace: string
}

async function readOne(deps: ReadDeps, { workspace, ...life }: OneInput): Promise<ReachedCounters | null> {
  const partition = deps.partitionOf(workspace)
  const base = { [partition]: -1 }
  const row = await readRow(deps.redis, { ...life, workspace, meters: deps.distinctMeters, base })
  return row === null ? null : reachedCounters(deps.archive, row, row.above[partition] ?? -1)
}

function hasCounters({ fields, members }: ReachedCounters): boolean {
  return Object.keys(fields).length > 0 || Object.keys(members).length > 0
}

function reachedOf(meta: Readonly<Record<string, string>>): Record<string, number> {
  const reached: Record<string, number> = {}
  for (const [name, value] of Object.entries(meta)) {
    const partition = /^(?:wm|base):(\d+)$/.exec(name)?.[1]
    if (partition !== undefined) reached[partition] = Math.max(reached[partition] ?? -1, Number(value))
  }
  return reached
}
