import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { systemClock } from '#drivers/clock.ts'
import { committedOffset } from '#drivers/kafka/committed-offset.ts'
import { ConsumerLoop } from '#drivers/kafka/consumer-loop.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import type { ConsumerMetrics } from '#drivers/metrics.ts'
import { untilDone } from '#drivers/retry.ts'
import type { Traces } from '#drivers/traces.ts'
import type { Progress } from '../liveness.ts'
import { watchProgress } from '../watch-progress.ts'
import { SubscriptionSession, type SubscriptionSessionDeps } from './subscription-session.ts'

interface SubscriptionConsumerOptions
  extends Omit<SubscriptionSessionDeps, 'now' | 'retry' | 'warn' | 'trace'> {
  readonly traces: Traces | null
  readonly kafka: Kafka
  readonly admin: Admin
  readonly log: Logger
  readonly groupId: string
  readonly topic: string
  readonly onFatal: (reason: Error) => void
  readonly onProgress: (progress: readonly Progress[]) => void
  readonly sessionTimeoutMs: number
  readonly metrics: Pick<ConsumerMetrics, 'warnings'>
}

/** A consumer that is running. */
export interface RunningSubscriptionConsumer {
  readonly idleMs: () => number
  /** Records that are there and not in force, by partition of this process. */
  readonly lag: () => Promise<ReadonlyMap<number, number>>
  readonly stop: () => Promise<void>
}

/** Reads `subscription.events` into the facts until it is stopped. */
export async function startSubscriptionConsumer(
  options: SubscriptionConsumerOptions,
): Promise<RunningSubscriptionConsumer> {
  const { kafka, admin, log, groupId, topic, onFatal, sessionTimeoutMs, metrics, traces } = options
  const deps: SubscriptionSessionDeps = {
    ...options,
    now: systemClock,
    warn: ({ code, reason }, { workspace, version, id }) => {
      metrics.warnings.inc({ code })
      log.warn({ workspace, version, eventId: id, code }, reason)
    },
    retry: (what, call, between) => untilDone({ what, log, between }, call),
    ...(traces === null
      ? {}
      : { trace: (messages, partition) => traces.batch({ topic, partition, messages }) }),
  }
  const loop = new ConsumerLoop<SubscriptionSession>({
    kafka,
    groupId,
    topic,
    log,
    onFatal,
    sessionTimeoutMs,
    openSession: async (partition, isWanted) => {
      const committed = await committedOffset(admin, { groupId, topic, partition, log, isWanted })
      return new SubscriptionSession(deps, { partition, ...committed })
    },
  })
  await loop.start()
  const { onProgress } = options
  const watching = watchProgress({
    admin,
    topic,
    log,
    onProgress,
    standings: () => loop.standings,
    reopen: (partition) => loop.reopenPartition(partition),
  })
  const lag = async (): Promise<ReadonlyMap<number, number>> => {
    const ends = new Map((await readRanges(admin, topic)).map(({ partition, high }) => [partition, high]))
    return new Map(
      [...loop.sessions].map(([partition, { position }]) => {
        return [partition, Math.max((ends.get(partition) ?? 0) - position, 0)]
      }),
    )
  }
  return { idleMs: () => loop.idleMs, lag, stop: () => watching.stop().then(() => loop.stop()) }
}
