import type { KafkaMessage } from 'kafkajs'
import { APPEND_TIME_HEADER, appendTimeOf } from '#core/usage/append-time.ts'
import type { UsageEvent } from '#core/usage/usage-event.ts'
import { Decoder, VALUE_BYTES_MAX } from '#schemas/decoder.ts'
import { type TopicName, usageRecords } from '#schemas/records.ts'
import type { OutgoingRecord } from './record-queue.ts'

/** Header of a redriven record: which record it was, `topic/partition/offset`. */
export const ORIGIN_HEADER = 'tallygate-dead-letter'

/** A letter holds a whole record and more, bytes. */
const LETTER_BYTES_MAX = 4_194_304

/** A dead letter as it stands on `dead.letters`. */
export interface Letter {
  /** Where the record stood that it is about; of one that was redriven and refused again, where it first stood. */
  readonly origin: string
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  readonly schemaId: number | null
  readonly code: string
  readonly reason: string
  readonly failedAt: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer>>
  /** Append time of the record, ms, as it is to be restated. */
  readonly appendedAt: number
}

/** A decoder of letters and of the usage in them; `now` is a monotonic clock, ms. */
export function letterDecoder(
  registry: { readonly fetchSchema: (id: number) => Promise<string | null> },
  now: () => number,
): Decoder {
  const fetchSchema = (id: number): Promise<string | null> => registry.fetchSchema(id)
  return new Decoder({
    records: ['DeadLetter', ...usageRecords],
    fetchSchema,
    bytesMax: LETTER_BYTES_MAX,
    now,
  })
}

/** Reads a letter; null for what is none. Its schema id must have been prepared. */
export function readLetter(decoder: Decoder, message: KafkaMessage): Letter | null {
  const decoded = decoder.decode(message.value)
  if (!decoded.ok || decoded.record !== 'DeadLetter') return null
  const body = decoded.value as unknown as Omit<Letter, 'origin' | 'appendedAt'>
  const restated = message.headers?.[APPEND_TIME_HEADER]?.toString()
  const origin = body.headers[ORIGIN_HEADER]?.toString() ?? `${body.topic}/${body.partition}/${body.offset}`
  return { ...body, origin, appendedAt: restated === undefined ? body.failedAt : Number(restated) }
}

/** The bytes of usage in letters, whose schema ids are to be prepared before it is read. */
export function usageIn(letters: readonly Letter[]): readonly { readonly value: Buffer | null }[] {
  return letters.filter(({ topic }) => topic === 'usage.events')
}

/** The usage event of a letter with the name of its record; null where there is none that can be read. */
export function readUsage(
  decoder: Decoder,
  { topic, value }: Letter,
): (UsageEvent & { readonly record: string }) | null {
  if (topic !== 'usage.events') return null
  const decoded = decoder.decode(value)
  if (!decoded.ok || decoded.record === 'DeadLetter') return null
  return { ...(decoded.value as UsageEvent), record: decoded.record }
}

/**
 * The record of a letter as it is sent again, under its own time.
 *
 * Letters from before may restate what is no time, which nobody would heed: it was appended by when it was refused.
 */
export function recordAgain(letter: Letter): OutgoingRecord {
  const { topic, key, value, headers, origin, appendedAt, failedAt } = letter
  const { at, restated } = appendTimeOf(Number.MAX_SAFE_INTEGER, String(appendedAt))
  const own = { [APPEND_TIME_HEADER]: String(restated ? at : failedAt), [ORIGIN_HEADER]: origin }
  return { topic, key, value: value ?? Buffer.alloc(0), headers: { ...headers, ...own } }
}

/**
 * Whether the record cannot be sent again: too large to be kept whole, or to be read. The latter would be refused again, and
 * near what a broker takes it would be refused by that, with what is headed beside it, and end the redrive of all others.
 */
export function isTooLarge({ value, reason }: Pick<Letter, 'value' | 'reason'>): boolean {
  return value === null || value.length > VALUE_BYTES_MAX || / bytes are kept here$/.test(reason)
}
