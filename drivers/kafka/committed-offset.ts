import type { Admin } from 'kafkajs'

interface CommittedInput {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}

/** Where the group left off; where that is not in the log, because it was cut or made anew, its start. */
export async function committedOffset(
  admin: Admin,
  { groupId, topic, partition }: CommittedInput,
): Promise<number> {
  const [committed, ranges] = await Promise.all([
    admin.fetchOffsets({ groupId, topics: [topic] }),
    admin.fetchTopicOffsets(topic),
  ])
  const offset = committed[0]?.partitions.find((entry) => entry.partition === partition)?.offset ?? '-1'
  const { low = '0', high = '0' } = ranges.find((range) => range.partition === partition) ?? {}
  return Number(offset) > Number(high) ? Number(low) : Math.max(Number(offset), Number(low))
}
