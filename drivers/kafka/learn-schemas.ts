import type { KafkaMessage } from 'kafkajs'
import { TallygateError } from '#core/errors.ts'
import type { Decoder } from '#schemas/decoder.ts'
import { inTime } from '../in-time.ts'

/** How long a batch waits for the registry, ms: what that says later is known at the next try. */
const PATIENCE_MS = 500

/** Makes a decoder know the schemas of a batch. Throws `unavailable` while the registry says nothing, soon; try again. */
export function learnSchemas(
  decoder: Decoder,
  messages: readonly Pick<KafkaMessage, 'value'>[],
): Promise<void> {
  const late = (): Error =>
    new TallygateError('unavailable', 'the schema registry does not say what a record is; it waits for that')
  return inTime(decoder.prepare(messages.map(({ value }) => value)), { withinMs: PATIENCE_MS, late })
}
