import type { KafkaMessage } from 'kafkajs'
import { BATCH_BYTES_MAX } from '#drivers/kafka/codecs.ts'
import { stubCause } from '#drivers/kafka/oversized-batch.ts'
import type { Decoded, Decoder } from '#schemas/decoder.ts'

/** What a record says; of one whose batch is not expanded that it is `too_large`, or damaged and `undecodable`. */
export function decodeMessage(decoder: Decoder, message: KafkaMessage): Decoded {
  const cause = stubCause(message)
  if (cause === null) return decoder.decode(message.value)
  if (cause === 'damaged') {
    const damaged = 'the bytes of its batch are no stream of the codec that they name; the log keeps them'
    return { ok: false, code: 'undecodable', reason: damaged, schemaId: null }
  }
  const reason = `its batch expands to more than ${BATCH_BYTES_MAX} bytes; send smaller batches`
  return { ok: false, code: 'too_large', reason, schemaId: null }
}
