import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { ConsumerLoop } from '#drivers/kafka/consumer-loop.ts'
import { untilDone } from '#drivers/retry.ts'
import { SubscriptionSession, type SubscriptionSessionDeps } from './subscription-session.ts'

interface SubscriptionConsumerOptions extends Omit<SubscriptionSessionDeps, 'retry'> {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly log: Logger
  readonly groupId: string
  readonly topic: string
  readonly onFatal: (reason: Error) => void
  readonly sessionTimeoutMs: number
}

/** A consumer that is running. */
export interface RunningSubscriptionConsumer {
  readonly idleMs: () => number
  readonly stop: () => Promise<void>
}

/** Reads `subscription.events` into the facts until it is stopped. */
export async function startSubscriptionConsumer(
  options: SubscriptionConsumerOptions,
): Promise<RunningSubscriptionConsumer> {
  const { kafka, admin, log, groupId, topic, onFatal, sessionTimeoutMs } = options
  const deps: SubscriptionSessionDeps = {
    ...options,
    retry: (what, call, between) => untilDone({ what, log, between }, call),
  }
  const loop = new ConsumerLoop<SubscriptionSession>({
    kafka,
    groupId,
    topic,
    log,
    onFatal,
    sessionTimeoutMs,
    openSession: async (partition) => {
      const position = await committedOffset(admin, { groupId, topic, partition })
      return new SubscriptionSession(deps, { partition, position })
    },
  })
  await loop.start()
  return { idleMs: () => loop.idleMs, stop: () => loop.stop() }
}

interface CommittedInput {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}

/** Where the group left off; where that is not in the log, because it was cut or made anew, its start. */
async function committedOffset(admin: Admin, { groupId, topic, partition }: CommittedInput): Promise<number> {
  const [committed, ranges] = await Promise.all([
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ])
  const offset = committed[0]?.partitions.find((entry) => entry.partition === partition)?.offset ?? '-1'
  const { low = '0', high = '0' } = ranges.find((range) => range.partition === partition) ?? {}
  return Number(offset) > Number(high) ? Number(low) : Math.max(Number(offset), Number(low))
}
