import type { Instant } from '#core/instant.ts'
import type { WorkspaceList } from '#drivers/mongo/workspace-list.ts'
import type { Agenda } from '#drivers/redis/agenda.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'

/** Where workspaces are listed, page by page. */
export type WorkspacePages = Pick<WorkspaceList, 'after'>

interface EnlistInput {
  readonly agenda: Agenda
  /** The shards whose list is due. */
  readonly due: readonly ShardKeys[]
  /** Number of shards. */
  readonly shards: number
  readonly workspaces: WorkspacePages
  readonly now: Instant
}

const PAGE = 1_000

/**
 * Makes every workspace of some shards due now: what is to be told by the time alone survives a wiped Redis.
 *
 * The list is read once for all of them: after a wipe every shard is due.
 */
export async function enlistShards({ agenda, due, shards, workspaces, now }: EnlistInput): Promise<void> {
  let page: readonly string[] = []
  do {
    page = await workspaces.after(page.at(-1) ?? '', PAGE)
    const byShard = Map.groupBy(page, (workspace) => shardOf(workspace, shards))
    await Promise.all(due.map((keys) => agenda.enlist(keys, byShard.get(keys.shard) ?? [], now)))
  } while (page.length === PAGE)
}
