import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { type DeadLetterCode, TallygateError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { indexMeters, type MeasureContext } from '#core/usage/measure.ts'
import { recordUsage } from '#core/usage/record-usage.ts'
import { OWN_SOURCE, type UsageEvent } from '#core/usage/usage-event.ts'
import type { OutgoingRecord } from '#drivers/kafka/record-queue.ts'
import type { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import { VALUE_BYTES_MAX } from '#schemas/decoder.ts'
import { fromJson } from '#schemas/from-json.ts'
import type { RecordName } from '#schemas/records.ts'

/** An event that is ready to be written, or why the consumers would set it aside. */
export type TakenEvent =
  | { readonly accepted: true; readonly id: string; readonly outgoing: OutgoingRecord }
  | {
      readonly accepted: false
      readonly id: string | null
      readonly code: DeadLetterCode
      readonly reason: string
    }

interface TakeOptions {
  readonly catalogue: Catalogue
  readonly now: Instant
  readonly encode: UsageWriter['encode']
}

const contexts = new WeakMap<Catalogue, MeasureContext>()

/** Judges an event as the consumers will, so that what is accepted counts. */
export function takeEvent(
  {
    record,
    ...fields
  }: { readonly record: RecordName; readonly workspace: string; readonly [name: string]: unknown },
  { catalogue, now, encode }: TakeOptions,
): TakenEvent {
  const event = fromJson(record, fields) as UsageEvent
  const id = typeof event.id === 'string' ? event.id : null
  const refused = (code: DeadLetterCode, reason: string): TakenEvent => ({
    accepted: false,
    id,
    code,
    reason,
  })
  if (event.source === OWN_SOURCE)
    return refused('invalid_field', `source ${OWN_SOURCE} is reserved; name the producing service`)
  let outgoing: OutgoingRecord
  try {
    outgoing = encode(record, event)
  } catch (error) {
    if (error instanceof TallygateError && error.code === 'invalid_request')
      return refused('invalid_field', error.message)
    throw error
  }
  if (outgoing.value.length > VALUE_BYTES_MAX)
    return refused(
      'too_large',
      `its record has ${outgoing.value.length} bytes; at most ${VALUE_BYTES_MAX} are read`,
    )
  const context = contexts.get(catalogue) ?? { catalogue, index: indexMeters(catalogue) }
  contexts.set(catalogue, context)
  const usage = { record, event, key: event.workspace, kafkaTime: now, appendTimeHeader: null }
  const recorded = recordUsage(usage, context)
  return recorded.ok ? { accepted: true, id: event.id, outgoing } : refused(recorded.code, recorded.reason)
}
