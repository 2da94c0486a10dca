import type { Instant } from '#core/instant.ts'
import type { WorkspaceList } from '#drivers/mongo/workspace-list.ts'
import type { Agenda } from '#drivers/redis/agenda.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'

/** Where workspaces are listed, page by page. */
export type WorkspacePages = Pick<WorkspaceList, 'after'>

interface EnlistInput {
  readonly agenda: Agenda
  readonly keys: ShardKeys
  /** Number of shards. */
  readonly shards: number
  readonly workspaces: WorkspacePages
  readonly now: Instant
}

const PAGE = 1_000

/** Makes every workspace of a shard due now: what is to be told by the time alone survives a wiped Redis. */
export async function enlistShard({ agenda, keys, shards, workspaces, now }: EnlistInput): Promise<void> {
  let page: readonly string[] = []
  do {
    page = await workspaces.after(page.at(-1) ?? '', PAGE)
    const own = page.filter((workspace) => shardOf(workspace, shards) === keys.shard)
    await agenda.enlist(keys, own, now)
  } while (page.length === PAGE)
}
