import type { Kafka } from 'kafkajs'

const PARTITIONS = 8

/** Makes a topic as `usage.events` is, for what is measured without any of our code. */
export async function createBareTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const configEntries = [
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    { name: 'compression.type', value: 'gzip' },
  ]
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions: PARTITIONS, configEntries }],
  })
  await admin.disconnect()
}
