import type { Admin } from 'kafkajs'
import { Type } from 'typebox'
import { TallygateError } from '#core/errors.ts'
import type { TopicName } from '#schemas/records.ts'

/** Settings of the topics. */
export const topicEnv = {
  KAFKA_REPLICATION: Type.Integer({
    default: 1,
    minimum: 1,
    description: 'Replicas of each topic we create',
  }),
}

/** Partitions by topic; those of `usage.events` are fixed at install. */
export const partitions = {
  'usage.events': 8,
  'subscription.events': 4,
  'entitlement.notices': 4,
  'dead.letters': 4,
} as const satisfies Record<TopicName, number>

const WEEK_MS = 7 * 86_400_000
/** A letter holds a whole record of a broker's default bound (1 MiB), and why it was set aside. */
const LETTER_BYTES_MAX = 2_097_152

/**
 * Creates the topics that are missing: append time is Kafka's, and batches are kept in gzip whatever a producer
 * sent, so that no codec can stop a reader. Throws `invalid_config` for a topic with other partitions.
 */
export async function ensureTopics(admin: Admin, replicationFactor: number): Promise<void> {
  const existing = new Set(await admin.listTopics())
  const names = Object.keys(partitions) as TopicName[]
  const missing = names.filter((topic) => !existing.has(topic))
  if (missing.length > 0) {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic,
        numPartitions: partitions[topic],
        replicationFactor,
        configEntries: [
          { name: 'message.timestamp.type', value: 'LogAppendTime' },
          { name: 'compression.type', value: 'gzip' },
          { name: 'retention.ms', value: String(topic === 'dead.letters' ? 8 * WEEK_MS : 2 * WEEK_MS) },
          ...(topic === 'dead.letters'
            ? [{ name: 'max.message.bytes', value: String(LETTER_BYTES_MAX) }]
            : []),
          { name: 'min.insync.replicas', value: String(Math.min(2, replicationFactor)) },
        ],
      })),
    })
  }
  await checkPartitions(admin, names)
}

async function checkPartitions(admin: Admin, names: readonly TopicName[]): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] })
  for (const { name, partitions: found } of topics) {
    const wanted = partitions[name as TopicName]
    if (found.length === wanted) continue
    const message = `topic ${name} has ${found.length} partitions, not ${wanted}; workspaces would change places`
    throw new TallygateError('invalid_config', message)
  }
}
