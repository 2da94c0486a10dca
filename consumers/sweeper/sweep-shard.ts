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

/** Operations that are looked for at once, and how many of them are on their way to Redis together. */
const PAGE = 200
const TOGETHER = 25
/** Pages of one round: others who could do it as well get their turn. */
const PAGES_MAX = 500

/**
 * Looks at every operation of a shard whose time has come, those that have waited longest first.
 *
 * Gives back what has expired and produces again what may not be in the log. Safe to run twice and to die anywhere:
 * the script decides by what it finds, and events carry the same ids each time. `goesOn` is asked before each page
 * after the first.
 */
export async function sweepShard(
  deps: SweepDeps,
  keys: ShardKeys,
  goesOn: () => Promise<boolean> = async () => true,
): Promise<void> {
  for (let page = 0; page < PAGES_MAX; page += 1) {
    if (page > 0 && !(await goesOn())) return
    if ((await sweepPage(deps, keys)) === 'last') return
  }
}

async function sweepPage(
  { redis, sink, againMs, onSwept }: SweepDeps,
  keys: ShardKeys,
): Promise<'more' | 'last'> {
  const now = await redisTime(redis, keys)
  const due = await redis.zrangebyscore(keys.due, '-inf', now, 'LIMIT', 0, PAGE)
  const again: OwnUsage[] = []
  let stays = 0
  for (let from = 0; from < due.length; from += TOGETHER) {
    const names = due.slice(from, from + TOGETHER).map(operationOf)
    const swept = await Promise.all(names.map((name) => sweep(redis, { keys, ...name, againMs })))
    for (const [index, name] of names.entries()) {
      const { outcome = 'later', open = [] } = swept[index] ?? {}
      onSwept(outcome, name.workspace, name.operation)
      if (outcome === 'produce') again.push(...open.map((item) => ownUsage(name, item)))
      if (outcome === 'rebuilding') stays += 1
    }
  }
  if (again.length > 0) await sink.produce(again)
  return due.length < PAGE || stays > 0 ? 'last' : 'more'
}

function operationOf(member: string): { readonly workspace: string; readonly operation: string } {
  const slash = member.indexOf('/')
  return { workspace: member.slice(0, slash), operation: member.slice(slash + 1) }
}
