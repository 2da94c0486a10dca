import type { Kafka } from 'kafkajs'
import type { SchemaIds } from '#drivers/registry/schema-registry.ts'
import { type Encode, encoderOf } from '#schemas/encoder.ts'
import { type RecordName, recordNames, type TopicName, topicRecords } from '#schemas/records.ts'
import { GatheringProducer } from './producer.ts'

/** A record to be encoded and written; its workspace is its key. */
export interface RecordToWrite {
  readonly record: RecordName
  readonly value: { readonly workspace: string }
  readonly headers?: Readonly<Record<string, string>>
}

/** Writes records of any kind to the topic they belong to. */
export interface RecordWriter {
  /** Resolves when all in-sync replicas have it. Throws `invalid_request` for a value that is not of its schema. */
  readonly write: (record: RecordToWrite) => Promise<void>
  readonly close: () => Promise<void>
}

/** Connects a writer; asks for the ids of the schemas first. */
export async function openRecordWriter(
  kafka: Kafka,
  registry: { readonly schemaIds: () => Promise<SchemaIds> },
): Promise<RecordWriter> {
  const ids = await registry.schemaIds()
  const encoders = new Map<RecordName, Encode>(recordNames.map((name) => [name, encoderOf(name, ids[name])]))
  const producer = new GatheringProducer(kafka)
  await producer.start()
  return {
    write: async ({ record, value, headers }) => {
      const encode = encoders.get(record)
      if (encode === undefined) throw new RangeError(`no record ${record}`)
      const outgoing = { topic: topicOf(record), key: value.workspace, value: encode(value) }
      await producer.send(headers === undefined ? outgoing : { ...outgoing, headers })
    },
    close: () => producer.stop(),
  }
}

/** The topic that a record belongs on. */
export function topicOf(record: RecordName): TopicName {
  const topics = Object.keys(topicRecords) as TopicName[]
  const found = topics.find((topic) => (topicRecords[topic] as readonly RecordName[]).includes(record))
  if (found === undefined) throw new RangeError(`no topic takes ${record}`)
  return found
}
