import type { Admin } from 'kafkajs'

interface OffsetQuery {
  readonly topic: string
  readonly partition: number
  /** ms */
  readonly instant: number
}

/** First offset of a partition that was appended at or after an instant; its end when none was. */
export async function readOffsetAt(
  admin: Admin,
  { topic, partition, instant }: OffsetQuery,
): Promise<number> {
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, Math.max(instant, 0))
  const found = offsets.find((entry) => entry.partition === partition)
  return Number(found?.offset ?? 0)
}
