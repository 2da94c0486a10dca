import { createHash, randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { type Consumer, Kafka, logLevel, Partitioners } from 'kafkajs'
import type { EngineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { createBareTopic } from './bare-topic.ts'

/** Counting as short as it can be: an id that is known counts once. */
const SCRIPT = `
if redis.call('SADD', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[2], 'leads', 1) end
return 'OK'`

const TOPIC = 'bench.bare-lag'
/** As long as an event of ours is. */
const EVENT_BYTES = 110

/** Produce, fetch and one script, without any of our code. */
export interface BareLag {
  /** The key whose field `leads` counts the events of a workspace. */
  readonly keyOf: (workspace: string) => string
  /** Writes one event; resolves when the brokers have it, with acks all. */
  readonly write: (workspace: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a producer and a consumer with a script: what an event cannot be counted sooner than with this broker and this Redis. */
export async function openBareLag({ redis: url, kafka: brokers }: EngineAddresses): Promise<BareLag> {
  const redis = new Redis(url)
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  await createBareTopic(kafka, TOPIC)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const consumer = kafka.consumer({ groupId: `bare-lag-${randomUUID()}` })
  await count(consumer, redis)
  return {
    keyOf,
    write: async (workspace) => {
      const value = randomUUID().padEnd(EVENT_BYTES, '.')
      await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: workspace, value }] })
    },
    close: async () => {
      await Promise.all([producer.disconnect(), consumer.disconnect()])
      await redis.quit()
    },
  }
}

/** Counts from now on; resolves when the consumer has its partitions. */
async function count(consumer: Consumer, redis: Redis): Promise<void> {
  const sha = createHash('sha1').update(SCRIPT).digest('hex')
  await redis.script('LOAD', SCRIPT)
  let hasJoined = false
  consumer.on(consumer.events.GROUP_JOIN, () => {
    hasJoined = true
  })
  await consumer.connect()
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, value } }) => {
      const id = value?.subarray(0, 36).toString() ?? ''
      await redis.evalsha(sha, 2, 'bare-lag:ids', keyOf(key?.toString() ?? ''), id)
    },
  })
  await eventually(
    async () => hasJoined,
    (has) => has,
    { what: 'the bare consumer to have its partitions' },
  )
}

function keyOf(workspace: string): string {
  return `bare-lag:${workspace}`
}
