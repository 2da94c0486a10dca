import { setTimeout as pause } from 'node:timers/promises'
import kafkajs, { type Admin } from 'kafkajs'
import { TallygateError } from '#core/errors.ts'
import type { TopicName } from '#schemas/records.ts'
import { Type } from '../json-schema.ts'

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
/** A letter holds a whole record of a broker's default bound (1 MiB), and why it was set aside. */
const LETTER_BYTES_MAX = 2_097_152
/** How long every broker may take to hear of a new topic, ms. */
const HEARD_OF_WITHIN_MS = 15_000

/** What a topic that was made elsewhere must have, too. */
interface Setting {
  readonly name: string
  readonly wanted: string
  readonly isRight: (value: string) => boolean
  /** What goes wrong without it. */
  readonly why: string
}

const SETTINGS: readonly Setting[] = [
  {
    name: 'message.timestamp.type',
    wanted: 'LogAppendTime',
    isRight: (value) => value === 'LogAppendTime',
    why: 'what is late, and when an id is forgotten, would follow the clocks of producers',
  },
  {
    name: 'cleanup.policy',
    wanted: 'delete',
    isRight: (value) => value === 'delete',
    why: 'of each workspace the newest record alone would be kept',
  },
]
const LETTER_SETTING: Setting = {
  name: 'max.message.bytes',
  wanted: String(LETTER_BYTES_MAX),
  isRight: (value) => Number(value) >= LETTER_BYTES_MAX,
  why: 'a large record could not be set aside, and its partition would stand still',
}

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
  await checkTopics(admin, names, replicationFactor)
  await checkSettings(admin)
}

/** Of the topics that we read: of notices their readers say how they are kept. */
async function checkSettings(admin: Admin): Promise<void> {
  const names = (Object.keys(partitions) as TopicName[]).filter((name) => name !== 'entitlement.notices')
  const resources = names.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name }))
  const described = await whenHeardOf(() =>
    admin.describeConfigs({ resources, includeSynonyms: false }),
  ).catch((error: unknown) => {
    if (!isProtocolError(error, 'TOPIC_AUTHORIZATION_FAILED')) throw error
    const message = `Kafka does not let us read the settings of ${names.join(', ')}: allow DescribeConfigs on them`
    throw new TallygateError('invalid_config', message, {}, error)
  })
  const problems = described.resources.flatMap(({ resourceName, configEntries }) => {
    const wanted = resourceName === 'dead.letters' ? [...SETTINGS, LETTER_SETTING] : SETTINGS
    const found = new Map(configEntries.map(({ configName, configValue }) => [configName, configValue]))
    return wanted
      .filter(({ name, isRight }) => !isRight(found.get(name) ?? ''))
      .map((setting) => problemOf(resourceName, setting, found.get(setting.name)))
  })
  if (problems.length > 0) throw new TallygateError('invalid_config', problems.join('\n'))
}

function problemOf(topic: string, { name, wanted, why }: Setting, found = 'nothing'): string {
  const command = `kafka-configs --alter --topic ${topic} --add-config ${name}=${wanted}`
  return `topic ${topic} has ${name}=${found}: ${why}; ${command}`
}

async function checkTopics(admin: Admin, names: readonly TopicName[], replicas: number): Promise<void> {
  const { topics } = await whenHeardOf(() => admin.fetchTopicMetadata({ topics: [...names] }))
  for (const { name, partitions: found } of topics) {
    const wanted = partitions[name as TopicName]
    if (found.length !== wanted) {
      const message = `topic ${name} has ${found.length} partitions, not ${wanted}; workspaces would change places`
      throw new TallygateError('invalid_config', message)
    }
    const fewest = Math.min(...found.map((partition) => partition.replicas.length))
    if (fewest < replicas) {
      const message = `topic ${name} has ${fewest} replicas, not the ${replicas} of KAFKA_REPLICATION; raise them with kafka-reassign-partitions, and min.insync.replicas to 2`
      throw new TallygateError('invalid_config', message)
    }
  }
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
