import type { KafkaMessage } from 'kafkajs'
import { BATCH_BYTES_MAX } from '#drivers/kafka/codecs.ts'
import { isStub } from '#drivers/kafka/oversized-batch.ts'
import type { Decoded, Decoder } from '#schemas/decoder.ts'

/** What a record says; one that stands for a batch that expands too far is `too_large`. */
export function decodeMessage(decoder: Decoder, message: KafkaMessage): Decoded {
  if (!isStub(message)) return decoder.decode(message.value)
  const reason = `its batch expands to more than ${BATCH_BYTES_MAX} bytes; send smaller batches`
  return { ok: false, code: 'too_large', reason, schemaId: null }
}
