import type { Admin } from 'kafkajs'
import type { Logger } from 'pino'
import { untilDone } from '../retry.ts'
import { readOffsetAt } from './offset-at.ts'
import { whileWanted } from './while-wanted.ts'

interface CommittedInput {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly log: Logger
  /** Turns false when the partition was given to another consumer. */
  readonly isWanted: () => boolean
}

/** Where a partition is read on. */
export interface Committed {
  readonly position: number
  /** When the newest record before it was appended, ms; null where that is not known. */
  readonly appendedAt: number | null
}

/**
 * Where the group left off; where that is not in the log, because it was cut or made anew, its start.
 *
 * A log that was made anew and has grown past it is told by time: all of it was appended after what was read, though that
 * stood before. Asks until Kafka says it, or nobody wants it any more: then it throws.
 */
export function committedOffset(
  admin: Admin,
  { groupId, topic, partition, log, isWanted }: CommittedInput,
): Promise<Committed> {
  const tries = { what: `opening partition ${partition}`, log, between: whileWanted(partition, isWanted) }
  return untilDone(tries, async () => {
    const [committed, ranges] = await Promise.all([
      admin.fetchOffsets({ groupId, topics: [topic] }),
      admin.fetchTopicOffsets(topic),
    ])
    const own = committed[0]?.partitions.find((entry) => entry.partition === partition)
    const range = ranges.find((entry) => entry.partition === partition)
    const [offset, low, high] = [Number(own?.offset ?? -1), Number(range?.low ?? 0), Number(range?.high ?? 0)]
    if (offset <= low) return { position: low, appendedAt: null }
    const appendedAt = timeIn(own?.metadata ?? null)
    const offsetAt = (instant: number): Promise<number> => readOffsetAt(admin, { topic, partition, instant })
    if (offset <= high && !(await isAnew({ low, appendedAt }, offsetAt)))
      return { position: offset, appendedAt }
    log.warn({ topic, partition, offset, low, high }, 'the log is another than was read: reading all of it')
    return { position: low, appendedAt: null }
  })
}

interface Known {
  /** First offset of the log. */
  readonly low: number
  readonly appendedAt: number | null
}

/** Whether all of a log was appended after what was read, which stood between its start and the offset. */
async function isAnew(
  { low, appendedAt }: Known,
  offsetAt: (instant: number) => Promise<number>,
): Promise<boolean> {
  if (appendedAt === null || (await offsetAt(appendedAt)) > low) return false
  return (await offsetAt(appendedAt + 1)) <= low
}

/** The time that is committed beside an offset; null for none, as earlier versions committed it. */
function timeIn(metadata: string | null): number | null {
  return metadata !== null && /^\d{1,15}$/.test(metadata) ? Number(metadata) : null
}
