import type { Admin } from 'kafkajs'
import type { Logger } from 'pino'
import type { Standing } from '#drivers/kafka/consumer-loop.ts'
import { type LogRange, readRanges } from '#drivers/kafka/scan-topic.ts'
import { type Progress, progressOf } from './liveness.ts'
import { type Rounds, startRounds } from './rounds.ts'

interface WatchOptions {
  readonly admin: Admin
  readonly topic: string
  readonly log: Logger
  readonly standings: () => readonly Standing[]
  readonly onProgress: (progress: readonly Progress[]) => void
  /** Opens partitions anew whose position is not in their log, at two looks in turn; left out where others see to that. */
  readonly reopen?: (partition: number) => void
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
  reopen = () => undefined,
  everyMs = EVERY_MS,
}: WatchOptions): Rounds {
  let strays: ReadonlyMap<number, number> = new Map()
  return startRounds(everyMs, async () => {
    try {
      const before = standings()
      const ranges = await readRanges(admin, topic)
      const ends = new Map(ranges.map(({ partition, high }) => [partition, high]))
      const seen = straysOf(before, ranges)
      for (const [partition, position] of seen) if (strays.get(partition) === position) reopen(partition)
      strays = seen
      onProgress(progressOf(standings(), ends))
    } catch (error) {
      log.debug({ err: error, topic }, 'Kafka does not say how far the log goes; asking again')
    }
  })
}

/**
 * Positions that are not in the log: it was made anew, or lost its end, or was cut before it was read. Whoever fetches there is
 * given nothing for ever, and no lag shows it. A broker that has just begun to lead may name an earlier end for a moment.
 */
function straysOf(standings: readonly Standing[], ranges: readonly LogRange[]): ReadonlyMap<number, number> {
  const strays = standings.flatMap(({ partition, position, isBusy }): [number, number][] => {
    const range = ranges.find((own) => own.partition === partition)
    if (range === undefined || position === null || isBusy) return []
    return position > range.high || position < range.low ? [[partition, position]] : []
  })
  return new Map(strays)
}
