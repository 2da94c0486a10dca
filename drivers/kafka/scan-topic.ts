import { randomUUID } from 'node:crypto'
import type { Admin, Kafka, KafkaMessage } from 'kafkajs'

/** Part of a partition: offsets from `low` to before `high`. */
export interface LogRange {
  readonly partition: number
  readonly low: number
  readonly high: number
}

/** First and next offset of every partition of a topic. */
export async function readRanges(admin: Admin, topic: string): Promise<readonly LogRange[]> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition)
}

interface ScanOptions {
  readonly kafka: Kafka
  readonly topic: string
  readonly ranges: readonly LogRange[]
  /** Records of one partition, in order. */
  readonly onRecords: (partition: number, records: readonly KafkaMessage[]) => Promise<void>
}

/**
 * Reads ranges of a topic once, beside its consumers: in a group of its own that is gone afterwards.
 *
 * Batches of aborted records, or of nothing but the end of a transaction, are not handed out by the client: it says that
 * they are over. Rejects with what `onRecords` throws, and with the client's error when Kafka does not answer.
 */
export async function scanTopic({ kafka, topic, ranges, onRecords }: ScanOptions): Promise<void> {
  const wanted = new Map(
    ranges.filter(({ low, high }) => high > low).map((range) => [range.partition, range]),
  )
  if (wanted.size === 0) return
  const groupId = `tallygate-scan-${randomUUID()}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250, retry: { retries: 5 } })
  const next = new Map([...wanted].map(([partition, { low }]) => [partition, low]))
  const done = Promise.withResolvers<void>()
  const readUpTo = (partition: number, last: string): void => {
    const from = next.get(partition)
    if (from === undefined) return
    const after = Math.max(from, Number(last) + 1)
    if (after < (wanted.get(partition)?.high ?? 0)) next.set(partition, after)
    else next.delete(partition)
    if (next.size === 0) done.resolve()
  }
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, batchSize, lastOffset } }) => {
    if (batchSize === 0) readUpTo(partition, lastOffset)
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat }) => {
        const { partition } = batch
        const from = next.get(partition)
        const high = wanted.get(partition)?.high ?? 0
        if (from === undefined) return
        const records = batch.messages.filter(({ offset }) => Number(offset) >= from && Number(offset) < high)
        if (records.length > 0) await onRecords(partition, records).catch(done.reject)
        readUpTo(partition, batch.lastOffset())
        await heartbeat()
      },
    })
    for (const { partition, low } of wanted.values()) consumer.seek({ topic, partition, offset: String(low) })
    await done.promise
  } finally {
    await consumer.disconnect()
    await deleteGroup(kafka, groupId)
  }
}

async function deleteGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    await admin.deleteGroups([groupId])
  } catch {
    // An empty group expires by itself.
  } finally {
    await admin.disconnect()
  }
}
