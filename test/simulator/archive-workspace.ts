import type { Redis } from 'ioredis'
import { archiveDays } from '#consumers/snapshots/archive-days.ts'
import type { PageStore } from '#drivers/mongo/usage-days.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { beginRound, readRow } from '#drivers/redis/snapshot-scripts.ts'

interface Deps {
  readonly redis: Redis
  readonly days: PageStore
  readonly nonce: () => string
}

interface Target {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly through: string
  readonly meters: readonly string[]
}

/** Reads a workspace as a round does, and archives its past days. */
export async function archiveWorkspace(
  deps: Deps,
  { keys, workspace, through, meters }: Target,
): Promise<void> {
  const { inc: incarnation } = (await beginRound(deps.redis, { keys })).meta
  if (incarnation === undefined || workspace === '') return
  const row = await readRow(deps.redis, { keys, workspace, meters, incarnation, base: {} })
  if (row !== null) await archiveDays(deps, { keys, incarnation, row, through })
}
