import type { KafkaMessage } from 'kafkajs'
import { APPEND_TIME_HEADER } from '#core/usage/append-time.ts'
import type { Decoder } from '#schemas/decoder.ts'
import type { TopicName } from '#schemas/records.ts'

/** Header of a redriven record: which record it was, `topic/partition/offset`. */
export const ORIGIN_HEADER = 'tallygate-dead-letter'

/** A letter holds a whole record and more, bytes. */
export const LETTER_BYTES_MAX = 4_194_304

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

/** Reads a letter; null for what is none. Its schema id must have been prepared. */
export function readLetter(decoder: Decoder, message: KafkaMessage): Letter | null {
  const decoded = decoder.decode(message.value)
  if (!decoded.ok) return null
  const body = decoded.value as unknown as Omit<Letter, 'origin' | 'appendedAt'>
  const restated = message.headers?.[APPEND_TIME_HEADER]?.toString()
  const origin = body.headers[ORIGIN_HEADER]?.toString() ?? `${body.topic}/${body.partition}/${body.offset}`
  return { ...body, origin, appendedAt: restated === undefined ? body.failedAt : Number(restated) }
}

/** Whether the letter lacks bytes of its record: it was too large to keep whole. */
export function isCut({ value, reason }: Pick<Letter, 'value' | 'reason'>): boolean {
  return value === null || / bytes are kept here$/.test(reason)
}
