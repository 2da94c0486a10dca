import type { KafkaMessage } from 'kafkajs'
import type { DeadLetterCode } from '#core/errors.ts'
import type { Encode } from '#schemas/encoder.ts'
import type { GatheringProducer } from './producer.ts'

/** A record to be set aside, with why. */
export interface DeadLetterInput {
  readonly topic: string
  readonly partition: number
  readonly message: KafkaMessage
  readonly code: DeadLetterCode
  readonly reason: string
  readonly schemaId: number | null
}

/** Sets records aside on `dead.letters`: resolves when all in-sync replicas have the letter. */
export function deadLetterSink(
  producer: GatheringProducer,
  encode: Encode,
  now: () => number,
): (letter: DeadLetterInput) => Promise<void> {
  return async ({ topic, partition, message, code, reason, schemaId }) => {
    const value = encode({
      topic,
      partition,
      offset: Number(message.offset),
      key: message.key,
      value: message.value,
      headers: plainHeaders(message.headers),
      schemaId,
      code,
      reason,
      failedAt: now(),
    })
    await producer.send({
      topic: 'dead.letters',
      key: message.key,
      value,
      headers: { 'tallygate-code': code },
    })
  }
}

/** Headers by name; of a repeated one the last. */
function plainHeaders(headers: KafkaMessage['headers']): Record<string, Buffer> {
  const plain = Object.entries(headers ?? {}).flatMap(([name, value]): [string, Buffer][] => {
    const last = Array.isArray(value) ? value.at(-1) : value
    return last === undefined ? [] : [[name, Buffer.from(last)]]
  })
  return Object.fromEntries(plain)
}
