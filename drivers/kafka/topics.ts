import { setTimeout as pause } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { TallygateError } from '#core/errors.ts'
import type { TopicName } from '#schemas/records.ts'
import { Type } from '../json-schema.ts'
import { LETTER_BYTES_MAX, topicProblems } from './topic-settings.ts'

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
/**
 * How long records are kept, weeks. Subscriptions for a year: they are few, and a MongoDB that is restored from a backup reads
 * them again.
 */
const RETAINED_WEEKS = {
  'usage.events': 2,
  'subscription.events': 53,
  'entitlement.notices': 2,
  'dead.letters': 8,
} as const satisfies Record<TopicName, number>
/** How long every broker may take to hear of a new topic, ms. */
const HEARD_OF_WITHIN_MS = 15_000

/**
 * Creates the topics that are missing: append time is Kafka's, and batches are kept in gzip whatever a producer
 * sent, so that no codec can stop a reader. Throws `invalid_config` for a topic with other partitions or fewer replicas, or with
 * settings that counting does not allow.
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
          { name: 'retention.ms', value: String(RETAINED_WEEKS[topic] * WEEK_MS) },
          ...(topic === 'dead.letters'
            ? [{ name: 'max.message.bytes', value: String(LETTER_BYTES_MAX) }]
            : []),
          { name: 'min.insync.replicas', value: String(Math.min(2, replicationFactor)) },
        ],
      })),
    })
  }
  await checkSettings(admin, await checkTopics(admin, names, replicationFactor))
}

/** Of the topics that we read: of notices their readers say how they are kept. */
async function checkSettings(admin: Admin, replicas: ReadonlyMap<string, number>): Promise<void> {
  const names = (Object.keys(partitions) as TopicName[]).filter((name) => name !== 'entitlement.notices')
  const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }))
  const described = await whenHeardOf(() =>
    admin.describeConfigs({ resources, includeSynonyms: false }),
  ).catch((error: unknown) => {
    if (!isProtocolError(error, 'TOPIC_AUTHORIZATION_FAILED')) throw error
    const message = `Kafka does not let us read the settings of ${names.join(', ')}: allow DescribeConfigs on them`
    throw new TallygateError('invalid_config', message, {}, error)
  })
  const problems = names.flatMap((topic) => {
    const entries =
      described.resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? []
    const settings = new Map(entries.map(({ configName, configValue }) => [configName, configValue]))
    return topicProblems({ topic, replicas: replicas.get(topic) ?? 1, settings })
  })
  if (problems.length > 0) throw new TallygateError('invalid_config', problems.join('\n'))
}

/** How many replicas each topic has, of its partitions the one with the fewest. */
async function checkTopics(
  admin: Admin,
  names: readonly TopicName[],
  replicas: number,
): Promise<ReadonlyMap<string, number>> {
  const { topics } = await whenHeardOf(() => admin.fetchTopicMetadata({ topics: [...names] }))
  const found = topics.map(({ name, partitions: own }): [string, number] => {
    const wanted = partitions[name as TopicName]
    if (own.length !== wanted) {
      const message = `topic ${name} has ${own.length} partitions, not ${wanted}; workspaces would change places`
      throw new TallygateError('invalid_config', message)
    }
    const fewest = Math.min(...own.map((partition) => partition.replicas.length))
    if (fewest < replicas) {
      const message = `topic ${name} has ${fewest} replicas, not the ${replicas} of KAFKA_REPLICATION; raise them with kafka-reassign-partitions, and min.insync.replicas to 2`
      throw new TallygateError('invalid_config', message)
    }
    return [name, fewest]
  })
  return new Map(found)
}

/** A broker that has not heard of a topic yet which another one just created does not know it. */
async function whenHeardOf<Value>(ask: () => Promise<Value>): Promise<Value> {
  const deadline = performance.now() + HEARD_OF_WITHIN_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isProtocolError(error, 'UNKNOWN_TOPIC_OR_PARTITION') || performance.now() > deadline) throw error
      await pause(100)
    }
  }
}

function isProtocolError(error: unknown, type: string): boolean {
  return error instanceof kafkajs.KafkaJSProtocolError && error.type === type
}
