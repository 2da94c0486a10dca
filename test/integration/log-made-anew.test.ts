import { randomUUID } from 'node:crypto'
import type { Admin } from 'kafkajs'
import { onTestFinished, test } from 'vitest'
import { watchProgress } from '#consumers/watch-progress.ts'
import { committedOffset } from '#drivers/kafka/committed-offset.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { ConsumerLoop, type PartitionSession, type RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import { createLogger } from '#drivers/log.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'

/** Longer than a test. */
const NEVER_MS = 3_600_000
const log = createLogger('test', 'silent')
const kafka = connectKafka({ brokers: engineAddresses().kafka, clientId: 'anew-test', log })

/** Each time another client: one that knew a topic asks for it as long as it lives. */
async function withAdmin<Value>(use: (admin: Admin) => Promise<Value>): Promise<Value> {
  const admin = kafka.admin()
  await admin.connect()
  return use(admin).finally(() => admin.disconnect())
}

/** Reads a partition as subscriptions and dead letters are read. */
class Session implements PartitionSession {
  position: number
  appendedAt: number | null
  readonly #seen: string[]

  constructor(seen: string[], { position, appendedAt }: Pick<Session, 'position' | 'appendedAt'>) {
    this.#seen = seen
    this.position = position
    this.appendedAt = appendedAt
  }

  passOver(next: number): void {
    this.position = next
  }

  async handle({ messages, next }: RecordBatch): Promise<'done'> {
    for (const { value, timestamp } of messages) {
      this.#seen.push(value?.toString() ?? '')
      this.appendedAt = Math.max(this.appendedAt ?? 0, Number(timestamp))
    }
    this.position = next
    return 'done'
  }
}

interface Topic {
  readonly topic: string
  /** Deletes it and makes it anew, empty. */
  readonly remake: () => Promise<void>
  readonly write: (...values: readonly string[]) => Promise<void>
  /** Begins to read; what is read comes to `seen`. */
  readonly read: (seen: string[], lookEveryMs?: number) => Promise<{ readonly stop: () => Promise<void> }>
}

async function ownTopic(): Promise<Topic> {
  const topic = `anew-${randomUUID()}`
  const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  const make = (): Promise<unknown> =>
    withAdmin((admin) =>
      admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, configEntries }] }),
    )
  const remove = (): Promise<unknown> =>
    withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      await eventually(
        () => admin.listTopics(),
        (topics) => !topics.includes(topic),
        { what: 'the topic to be gone' },
      )
    })
  const write: Topic['write'] = async (...values) => {
    const producer = kafka.producer()
    await producer.connect()
    for (const value of values)
      await eventually(
        () => producer.send({ topic, messages: [{ key: 'k', value }] }),
        () => true,
        { what: 'the topic to take a record' },
      )
    await producer.disconnect()
  }
  await make()
  onTestFinished(async () => {
    await remove()
  })
  return {
    topic,
    write,
    read: (seen, lookEveryMs = 200) => read(topic, { seen, lookEveryMs }),
    remake: () =>
      remove()
        .then(() => make())
        .then(() => undefined),
  }
}

/** Reads as the consumers of subscriptions and dead letters do. */
async function read(
  topic: string,
  { seen, lookEveryMs }: { readonly seen: string[]; readonly lookEveryMs: number },
): Promise<{ readonly stop: () => Promise<void> }> {
  const groupId = topic
  const admin = kafka.admin()
  await admin.connect()
  const loop = new ConsumerLoop<Session>({
    kafka,
    groupId,
    topic,
    log,
    sessionTimeoutMs: 6_000,
    onFatal: () => undefined,
    openSession: async (partition, isWanted) =>
      new Session(seen, await committedOffset(admin, { groupId, topic, partition, log, isWanted })),
  })
  await loop.start()
  const watching = watchProgress({
    admin,
    topic,
    log,
    standings: () => loop.standings,
    reopen: (partition) => loop.reopenPartition(partition),
    onProgress: () => undefined,
    everyMs: lookEveryMs,
  })
  return {
    stop: async () => {
      await watching.stop()
      await loop.stop()
      await admin.disconnect()
    },
  }
}

const until = (seen: readonly string[], what: readonly string[]): Promise<unknown> =>
  eventually(
    async () => seen,
    (now) => now.join() === what.join(),
    { what: `${what.join()} to be read`, withinMs: 40_000 },
  )

test('a topic that is made anew while it is read is read from its start', async () => {
  const { remake, write, read: begin } = await ownTopic()
  const seen: string[] = []
  await write('a', 'b', 'c')
  const reading = await begin(seen)
  await until(seen, ['a', 'b', 'c'])
  await remake()
  await write('d')
  await until(seen, ['a', 'b', 'c', 'd'])
  await reading.stop()
}, 90_000)

/** A topic of which `a,b` was read and that was made anew then, before anybody looked. */
async function remadeUnseen() {
  const { remake, write, read: begin } = await ownTopic()
  const seen: string[] = []
  await write('a', 'b')
  const reading = await begin(seen, NEVER_MS)
  await until(seen, ['a', 'b'])
  await remake()
  return { write, begin, seen, reading }
}

test('a topic that was made anew and has grown past what was read of the one before is read from its start', async () => {
  const { write, begin, seen, reading } = await remadeUnseen()
  // Kafka forgot where the group was together with the topic; a consumer that runs says it again.
  await reading.stop()
  await write('c', 'd', 'e')
  const again = await begin(seen)
  await until(seen, ['a', 'b', 'c', 'd', 'e'])
  await again.stop()
}, 90_000)

test('a topic that is made anew while it is read, and has grown past that before anybody looks, is read from its start', async () => {
  const { write, seen, reading } = await remadeUnseen()
  await write('c', 'd', 'e')
  await until(seen, ['a', 'b', 'c', 'd', 'e'])
  await reading.stop()
}, 90_000)
