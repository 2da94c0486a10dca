import type { Admin } from 'kafkajs'
import type { Logger } from 'pino'
import { untilDone } from '../retry.ts'
import { whileWanted } from './while-wanted.ts'

interface CommittedInput {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly log: Logger
  /** Turns false when the partition was given to another consumer. */
  readonly isWanted: () => boolean
}

/**
 * Where the group left off; where that is not in the log, because it was cut or made anew, its start.
 *
 * Asks until Kafka says it, or nobody wants it any more: then it throws.
 */
export function committedOffset(
  admin: Admin,
  { groupId, topic, partition, log, isWanted }: CommittedInput,
): Promise<number> {
  const tries = { what: `opening partition ${partition}`, log, between: whileWanted(partition, isWanted) }
  return untilDone(tries, async () => {
    const [committed, ranges] = await Promise.all([
      admin.fetchOffsets({ groupId, topics: [topic] }),
      admin.fetchTopicOffsets(topic),
    ])
    const offset = committed[0]?.partitions.find((entry) => entry.partition === partition)?.offset ?? '-1'
    const { low = '0', high = '0' } = ranges.find((range) => range.partition === partition) ?? {}
    return Number(offset) > Number(high) ? Number(low) : Math.max(Number(offset), Number(low))
  })
}
