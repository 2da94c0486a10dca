import { systemClock } from '#drivers/clock.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import type { ConsumerMetrics } from '#drivers/metrics.ts'
import { untilDone } from '#drivers/retry.ts'
import type { Traces } from '#drivers/traces.ts'
import { type FollowOptions, followTopic } from '../follow-topic.ts'
import { SubscriptionSession, type SubscriptionSessionDeps } from './subscription-session.ts'

interface SubscriptionConsumerOptions
  extends FollowOptions,
    Omit<SubscriptionSessionDeps, 'now' | 'retry' | 'warn' | 'trace'> {
  readonly traces: Traces | null
  readonly groupId: string
  readonly topic: string
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
  const { admin, log, topic, metrics, traces } = options
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
  const { sessions, idleMs, stop } = await followTopic({
    ...options,
    openSession: (from) => new SubscriptionSession(deps, from),
  })
  const lag = async (): Promise<ReadonlyMap<number, number>> => {
    const ends = new Map((await readRanges(admin, topic)).map(({ partition, high }) => [partition, high]))
    return new Map(
      [...sessions].map(([partition, { position }]) => {
        return [partition, Math.max((ends.get(partition) ?? 0) - position, 0)]
      }),
    )
  }
  return { idleMs, lag, stop }
}
