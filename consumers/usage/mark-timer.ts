import type { Logger } from 'pino'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import { redisTimes } from '#drivers/redis/clock.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import type { UsageSession } from './usage-session.ts'

interface MarkOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  readonly sessions: () => ReadonlyMap<number, UsageSession>
  readonly ranges: () => Promise<readonly LogRange[]>
  readonly reopen: (partition: number, session: UsageSession) => void
}

/**
 * How often partitions are marked. counting.md names 5 s as the slowest; half a second keeps `lagMs` of an idle
 * partition below the 1 s that an `exact` answer allows (ADR 0005).
 */
export const MARK_EVERY_MS = 500

/**
 * Marks every partition on a timer of its own, so that idle shards are verified and answers stay exact. What a session gathered
 * is sent on another one: a round waits for Kafka, and where a shard is lost for its rebuild.
 */
export function startMarking(options: MarkOptions): Rounds {
  const sending = setInterval(() => {
    for (const session of options.sessions().values()) session.sendIdle()
  }, MARK_EVERY_MS)
  const rounds = startRounds(MARK_EVERY_MS, () =>
    markAll(options).catch((error: unknown) => {
      options.log.warn({ err: error }, 'partitions were not marked; answers show growing lag until they are')
    }),
  )
  return {
    stop: async () => {
      clearInterval(sending)
      await rounds.stop()
    },
  }
}

async function markAll(options: MarkOptions): Promise<void> {
  const { redis, shards, sessions, ranges, reopen } = options
  if (sessions().size === 0) return
  const before = new Map([...sessions()].map(([partition, { position }]) => [partition, position]))
  const times = await redisTimes(redis, shards)
  const logs = new Map((await ranges()).map((range) => [range.partition, range]))
  await Promise.all(
    [...sessions()].map(async ([partition, session]) => {
      const own = logs.get(partition)
      const isElsewhere =
        own !== undefined &&
        (own.high < (before.get(partition) ?? 0) || (own.low > session.position && !session.isBusy))
      const verified = own === undefined ? null : { end: own.high, times }
      const outcome = isElsewhere ? 'reopen' : await session.mark(verified)
      if (outcome === 'reopen') reopen(partition, session)
    }),
  )
}
