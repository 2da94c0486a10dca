import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { type Committed, committedOffset } from '#drivers/kafka/committed-offset.ts'
import { ConsumerLoop, type PartitionSession } from '#drivers/kafka/consumer-loop.ts'
import type { Progress } from './liveness.ts'
import { watchProgress } from './watch-progress.ts'

/** What a process gives to whatever follows a topic. */
export interface FollowOptions {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly log: Logger
  readonly onFatal: (reason: Error) => void
  readonly onProgress: (progress: readonly Progress[]) => void
  readonly sessionTimeoutMs: number
}

interface Follow<Session> extends FollowOptions {
  readonly topic: string
  readonly groupId: string
  readonly concurrency?: number
  readonly openSession: (from: Committed & { readonly partition: number }) => Session
}

/** A topic that is being followed. */
export interface Following<Session> {
  /** By partition of this process. */
  readonly sessions: ReadonlyMap<number, Session>
  readonly idleMs: () => number
  readonly stop: () => Promise<void>
}

/**
 * Reads a topic from where its group left off until it is stopped, and tells how far it has come; a partition whose log was
 * made anew, or lost its end, is read from its start.
 */
export async function followTopic<Session extends PartitionSession>(
  options: Follow<Session>,
): Promise<Following<Session>> {
  const { admin, topic, groupId, log, onProgress, openSession } = options
  const loop = new ConsumerLoop<Session>({
    ...options,
    openSession: async (partition, isWanted) => {
      const committed = await committedOffset(admin, { groupId, topic, partition, log, isWanted })
      return openSession({ partition, ...committed })
    },
  })
  await loop.start()
  const watching = watchProgress({
    admin,
    topic,
    log,
    onProgress,
    standings: () => loop.standings,
    reopen: (partition) => loop.reopenPartition(partition),
  })
  return {
    sessions: loop.sessions,
    idleMs: () => loop.idleMs,
    stop: () => watching.stop().then(() => loop.stop()),
  }
}
