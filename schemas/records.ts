import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { boundBlocks } from './bounded-blocks.ts'

boundBlocks()

/** Records of product usage and of Tallygate itself on `usage.events`. */
export const usageRecords = [
  'LeadEvent',
  'ContactEvent',
  'CompanyEvent',
  'AiCallEvent',
  'AiAgentEvent',
  'WhatsappNumberEvent',
  'InstagramAccountEvent',
  'MeterEvent',
  'UsageSnapshotEvent',
  'WindowStartedEvent',
] as const

/** Every record that is spoken, by its name without the namespace. */
export const recordNames = [...usageRecords, 'SubscriptionEvent', 'NoticeEvent', 'DeadLetter'] as const
export type RecordName = (typeof recordNames)[number]

/** Topics and the records each one allows; anything else on them is a `foreign_subject`. */
export const topicRecords = {
  'usage.events': usageRecords,
  'subscription.events': ['SubscriptionEvent'],
  'entitlement.notices': ['NoticeEvent'],
  'dead.letters': ['DeadLetter'],
} as const satisfies Record<string, readonly RecordName[]>
/** Name of a topic of ours. */
export type TopicName = keyof typeof topicRecords

/** Fields of a record that counts as usage; null for any other name. */
export function usageFieldsOf(name: string): readonly string[] | null {
  const record = usageRecords.find((known) => known === name)
  if (record === undefined) return null
  const { fields }: { fields: readonly { readonly name: string }[] } = JSON.parse(schemaText(record))
  return fields.map((field) => field.name)
}

/** Namespace of every record; subject and full name are `tallygate.<record>`. */
export const NAMESPACE = 'tallygate'

/** The JSON text of a record's schema, as it is registered. */
export function schemaText(record: RecordName): string {
  return readFileSync(new URL(`./${record}.avsc`, import.meta.url), 'utf8')
}

/** A schema as avsc reads and writes it; timestamps stay epoch milliseconds. */
export function typeOfSchema(text: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(text), { wrapUnions: false })
}

/** Subject that a record is registered under. */
export function subjectOf(record: RecordName): string {
  return `${NAMESPACE}.${record}`
}
