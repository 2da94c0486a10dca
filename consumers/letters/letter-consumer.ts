import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { committedOffset } from '#drivers/kafka/committed-offset.ts'
import { ConsumerLoop } from '#drivers/kafka/consumer-loop.ts'
import type { Progress } from '../liveness.ts'
import { watchProgress } from '../watch-progress.ts'
import { LetterSession, type LetterSessionDeps } from './letter-session.ts'

interface LetterConsumerOptions extends LetterSessionDeps {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly log: Logger
  readonly onFatal: (reason: Error) => void
  readonly onProgress: (progress: readonly Progress[]) => void
  readonly sessionTimeoutMs: number
}

const topic = 'dead.letters'
const groupId = 'tallygate-letters'

/** Copies `dead.letters` to where letters can be looked up, until it is stopped; what is copied twice is there once. */
export async function startLetterConsumer(
  options: LetterConsumerOptions,
): Promise<{ readonly idleMs: () => number; readonly stop: () => Promise<void> }> {
  const { kafka, admin, log, onFatal, onProgress, sessionTimeoutMs } = options
  const loop = new ConsumerLoop<LetterSession>({
    kafka,
    groupId,
    topic,
    log,
    onFatal,
    sessionTimeoutMs,
    concurrency: 1,
    openSession: async (partition, isWanted) => {
      const committed = await committedOffset(admin, { groupId, topic, partition, log, isWanted })
      return new LetterSession(options, { partition, ...committed })
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
  return { idleMs: () => loop.idleMs, stop: () => watching.stop().then(() => loop.stop()) }
}
