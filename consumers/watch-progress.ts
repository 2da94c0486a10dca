import type { Admin } from 'kafkajs'
import type { Logger } from 'pino'
import type { Standing } from '#drivers/kafka/consumer-loop.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { type Progress, progressOf } from './liveness.ts'
import { type Rounds, startRounds } from './rounds.ts'

interface WatchOptions {
  readonly admin: Admin
  readonly topic: string
  readonly log: Logger
  readonly standings: () => readonly Standing[]
  readonly onProgress: (progress: readonly Progress[]) => void
  /** Every two seconds where it is left out. */
  readonly everyMs?: number
}

const EVERY_MS = 2_000

/** Sees now and then how far the partitions of a topic have come, whatever else is away. */
export function watchProgress({
  admin,
  topic,
  log,
  standings,
  onProgress,
  everyMs = EVERY_MS,
}: WatchOptions): Rounds {
  return startRounds(everyMs, async () => {
    try {
      const ends = new Map((await readRanges(admin, topic)).map(({ partition, high }) => [partition, high]))
      onProgress(progressOf(standings(), ends))
    } catch (error) {
      log.debug({ err: error, topic }, 'Kafka does not say how far the log goes; asking again')
    }
  })
}
