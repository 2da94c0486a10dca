import type { KafkaMessage } from 'kafkajs'
import type { DeadLetterCode } from '#core/errors.ts'
import { APPEND_TIME_HEADER } from '#core/usage/append-time.ts'
import type { Encode } from '#schemas/encoder.ts'
import { appendTimeOfMessage } from './append-time-header.ts'
import type { GatheringProducer } from './producer.ts'

/** Header of a letter that says its code. */
export const CODE_HEADER = 'tallygate-code'

/** A record to be set aside, with why. */
export interface DeadLetterInput {
  readonly topic: string
  readonly partition: number
  readonly message: KafkaMessage
  readonly code: DeadLetterCode
  readonly reason: string
  readonly schemaId: number | null
}

interface SinkOptions {
  readonly producer: Pick<GatheringProducer, 'send'>
  readonly encode: Encode
  readonly now: () => number
  /** As the consumers are set that refuse: a header that they ignored is not restated. */
  readonly trustAppendTimeHeader: boolean
}

/** What a letter keeps of a record at most; `dead.letters` takes records of twice that (`topics.ts`). */
const VALUE_KEPT_MAX = 1_048_576
const KEY_KEPT_MAX = 4_096
/** Letters of a reason that are kept: it names what a producer sent. */
export const REASON_MAX = 1_000
const HEADERS_KEPT_MAX = 65_536

/**
 * Sets records aside on `dead.letters`: resolves when all in-sync replicas have the letter.
 *
 * The letter's own headers carry the code and the append time that the record was judged by, which it restates when it is
 * sent again. What is larger than a broker takes from one producer by default is cut, and the reason says so: no record
 * may stop a partition.
 */
export function deadLetterSink({
  producer,
  encode,
  now,
  trustAppendTimeHeader,
}: SinkOptions): (letter: DeadLetterInput) => Promise<void> {
  return async ({ topic, partition, message, code, reason, schemaId }) => {
    const headers = plainHeaders(message.headers)
    const { value, words } = cut(message.value)
    const key = message.key === null ? null : message.key.subarray(0, KEY_KEPT_MAX)
    const letter = {
      topic,
      partition,
      offset: Number(message.offset),
      key,
      value,
      headers: sizeOf(headers) > HEADERS_KEPT_MAX ? {} : headers,
      schemaId,
      code,
      reason: reason.slice(0, REASON_MAX) + words,
      failedAt: now(),
    }
    const { at } = appendTimeOfMessage(message, trustAppendTimeHeader)
    await producer.send({
      topic: 'dead.letters',
      key,
      value: encode(letter),
      headers: { [CODE_HEADER]: code, [APPEND_TIME_HEADER]: String(at) },
    })
  }
}

function cut(value: Buffer | null): { readonly value: Buffer | null; readonly words: string } {
  if (value === null || value.length <= VALUE_KEPT_MAX) return { value, words: '' }
  const words = `; the first ${VALUE_KEPT_MAX} of ${value.length} bytes are kept here`
  return { value: value.subarray(0, VALUE_KEPT_MAX), words }
}

function sizeOf(headers: Readonly<Record<string, Buffer>>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

/** Headers by name; of a repeated one the last. */
function plainHeaders(headers: KafkaMessage['headers']): Record<string, Buffer> {
  const plain = Object.entries(headers ?? {}).flatMap(([name, value]): [string, Buffer][] => {
    const last = Array.isArray(value) ? value.at(-1) : value
    return last === undefined ? [] : [[name, Buffer.from(last)]]
  })
  return Object.fromEntries(plain)
}
