import type { Logger } from 'pino'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import { redisTimes } from '#drivers/redis/clock.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import type { Progress } from '../liveness.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import type { UsageSession } from './usage-session.ts'

interface MarkOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  readonly sessions: () => ReadonlyMap<number, UsageSession>
  readonly ranges: () => Promise<readonly LogRange[]>
  readonly reopen: (partition: number) => void
  /** Where the partitions stand; told in every round. */
  readonly onProgress: (progress: readonly Progress[]) => void
}

/**
 * How often partitions are marked. counting.md names 5 s as the slowest; half a second keeps `lagMs` of an idle
 * partition below the 1 s that an `exact` answer allows (ADR 0005).
 */
const MARK_EVERY_MS = 500

/** Marks every partition on a timer of its own, so that idle shards are verified and answers stay exact. */
export function startMarking(options: MarkOptions): Rounds {
  return startRounds(MARK_EVERY_MS, () =>
    markAll(options).catch((error: unknown) => {
      options.log.warn({ err: error }, 'partitions were not marked; answers show growing lag until they are')
    }),
  )
}

async function markAll(options: MarkOptions): Promise<void> {
  const { redis, shards, sessions, ranges, reopen, onProgress } = options
  if (sessions().size === 0) return onProgress([])
  const before = new Map([...sessions()].map(([partition, { position }]) => [partition, position]))
  const times = await redisTimes(redis, shards)
  const ends = new Map((await ranges()).map(({ partition, high }) => [partition, high]))
  const progress = [...sessions()].map(([partition, { position, isBusy }]): Progress => {
    return { partition, position, isBusy, lag: Math.max((ends.get(partition) ?? 0) - position, 0) }
  })
  onProgress(progress)
  await Promise.all(
    [...sessions()].map(async ([partition, session]) => {
      const end = ends.get(partition)
      const wasPast = end !== undefined && end < (before.get(partition) ?? 0)
      const outcome = wasPast ? 'reopen' : await session.mark(end === undefined ? null : { end, times })
      if (outcome === 'reopen') reopen(partition)
    }),
  )
}
