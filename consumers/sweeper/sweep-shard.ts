import type { UsageSink } from '#core/ports.ts'
import type { SweepOutcome } from '#core/usage/hold.ts'
import { type OwnUsage, ownUsage } from '#core/usage/own-usage.ts'
import { redisTime } from '#drivers/redis/clock.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { sweep } from '#drivers/redis/hold-scripts.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'

/** What sweeping needs. */
export interface SweepDeps {
  readonly redis: Redis
  readonly sink: Pick<UsageSink, 'produce'>
  /** When an operation whose events are produced again is looked at once more, ms. */
  readonly againMs: number
  readonly onSwept: (outcome: SweepOutcome['outcome'], workspace: string, operation: string) => void
}

/** Operations of one shard in one round. */
const AT_ONCE = 200

/**
 * Looks at the operations of a shard whose time has come, those that have waited longest first.
 *
 * Gives back what has expired and produces again what may not be in the log. Safe to run twice and to die anywhere:
 * the script decides by what it finds, and events carry the same ids each time.
 */
export async function sweepShard(deps: SweepDeps, keys: ShardKeys): Promise<void> {
  const { redis, sink, againMs, onSwept } = deps
  const now = await redisTime(redis, keys)
  const due = await redis.zrangebyscore(keys.due, '-inf', now, 'LIMIT', 0, AT_ONCE)
  const again: OwnUsage[] = []
  for (const member of due) {
    const name = operationOf(member)
    const { outcome, open } = await sweep(redis, { keys, ...name, againMs })
    onSwept(outcome, name.workspace, name.operation)
    if (outcome === 'produce') again.push(...open.map((item) => ownUsage(name, item)))
  }
  if (again.length > 0) await sink.produce(again)
}

function operationOf(member: string): { readonly workspace: string; readonly operation: string } {
  const slash = member.indexOf('/')
  return { workspace: member.slice(0, slash), operation: member.slice(slash + 1) }
}
