import type { KafkaMessage } from 'kafkajs'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { type DeadLetterCode, reasonOfFault } from '#core/errors.ts'
import { indexMeters, type MeasureContext } from '#core/usage/measure.ts'
import { recordUsage } from '#core/usage/record-usage.ts'
import { parseReservation } from '#core/usage/reservation.ts'
import { isWorkspaceId, type UsageEvent } from '#core/usage/usage-event.ts'
import { ORIGIN_HEADER } from '#drivers/kafka/letters.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import type { DedupeId, EventIdentity } from '#drivers/redis/dedupe-id.ts'
import type { Decoded } from '#schemas/decoder.ts'
import { appendTimeHeaderOf } from './append-time-header.ts'

/** A record that may not count, with why. */
export interface Refused {
  readonly message: KafkaMessage
  readonly code: DeadLetterCode
  readonly reason: string
  readonly schemaId: number | null
  /** Id of the event, where it could be read. */
  readonly eventId?: string
  /** The event without what it counts, if it can still settle the hold that it names. */
  readonly settles?: SliceEvent
}

interface ReaderOptions {
  readonly decode: (message: KafkaMessage) => Decoded
  readonly hasher: (identity: EventIdentity) => DedupeId
  /** Catalogue in force; `fresh` asks the store again before a meter is called unknown. */
  readonly catalogue: (fresh: boolean) => Promise<Catalogue>
  readonly trustAppendTimeHeader: boolean
}

/** What a batch holds: events to apply, void ones among them, and records for the dead letters. */
export interface ReadBatch {
  readonly events: readonly SliceEvent[]
  readonly refused: readonly Refused[]
}

/** Turns raw records into measured events and refusals; keeps the meter index of the newest catalogue. */
export class UsageReader {
  readonly #options: ReaderOptions
  #context: MeasureContext | null = null

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** Reads records whose schema ids the decoder knows already; asks once for a meter that nobody knows yet, if at all. */
  async read(messages: readonly KafkaMessage[]): Promise<ReadBatch> {
    const events: SliceEvent[] = []
    const refused: Refused[] = []
    let context = await this.#contextOf(false)
    let isFresh = false
    for (const message of messages) {
      let outcome = this.#readAny(message, context)
      if ('code' in outcome && outcome.code === 'unknown_meter' && !isFresh) {
        context = await this.#contextOf(true)
        isFresh = true
        outcome = this.#readAny(message, context)
      }
      if ('code' in outcome) refused.push(outcome)
      const event = 'code' in outcome ? outcome.settles : outcome
      if (event !== undefined) events.push(event)
    }
    return { events, refused }
  }

  /** Reading asks nobody, so that what it throws would be thrown each time: the record is set aside, the others go on. */
  #readAny(message: KafkaMessage, context: MeasureContext): SliceEvent | Refused {
    try {
      return this.#readOne(message, context)
    } catch (error) {
      return { message, code: 'undecodable', reason: reasonOfFault(error), schemaId: null }
    }
  }

  #readOne(message: KafkaMessage, context: MeasureContext): SliceEvent | Refused {
    const decoded = this.#options.decode(message)
    if (!decoded.ok) {
      return { message, code: decoded.code, reason: decoded.reason, schemaId: decoded.schemaId }
    }
    const event = usageEventOf(decoded.value)
    const recorded = recordUsage(
      {
        record: decoded.record,
        event,
        key: keyOf(message, event.workspace),
        kafkaTime: Number(message.timestamp),
        appendTimeHeader: appendTimeHeaderOf(message, this.#options.trustAppendTimeHeader),
      },
      context,
    )
    if (!recorded.ok) {
      const { code, reason } = recorded
      const refused = { message, code, reason, schemaId: null, eventId: event.id }
      const settles = this.#voidOf(message, event)
      return settles === null ? refused : { ...refused, settles }
    }
    const { id, source, workspace, occurredAt } = event
    const taken: SliceEvent = {
      offset: Number(message.offset),
      id,
      workspace,
      occurredAt,
      appendedAt: recorded.appendedAt,
      dedupe: this.#options.hasher({ workspace, source, id }),
      changes: recorded.changes,
      reservation: parseReservation(event),
      isVoid: false,
    }
    const { timestamp } = message
    const isAsStated = recorded.appendedAt === Number(timestamp) || !isRedriven(message)
    return isAsStated ? taken : { ...taken, recordedAt: Number(timestamp) }
  }

  /** A refused event that names a hold of its own workspace; null for any other. */
  #voidOf(message: KafkaMessage, event: UsageEvent): SliceEvent | null {
    const { workspace } = event
    const reservation = parseReservation(event)
    if (reservation === null || !isWorkspaceId(workspace) || message.key?.toString() !== workspace)
      return null
    return {
      offset: Number(message.offset),
      workspace,
      occurredAt: Number(message.timestamp),
      appendedAt: Number(message.timestamp),
      dedupe: { member: '', subShard: 0 },
      changes: [],
      reservation,
      isVoid: true,
    }
  }

  async #contextOf(fresh: boolean): Promise<MeasureContext> {
    const catalogue = await this.#options.catalogue(fresh)
    if (this.#context?.catalogue.revision !== catalogue.revision) {
      this.#context = { catalogue, index: indexMeters(catalogue) }
    }
    return this.#context
  }
}

/**
 * A redriven record counts with its own append time, but changes levels now: the level of today is none of the day on
 * which it was set aside. An import builds history by the time that it restates.
 */
function isRedriven({ headers }: KafkaMessage): boolean {
  return headers?.[ORIGIN_HEADER] !== undefined
}

/** Every usage schema begins with the fields of `UsageEvent`, and the decoder made it fit. */
function usageEventOf(value: Readonly<Record<string, unknown>>): UsageEvent {
  return value as UsageEvent
}

/** The key as text; a key that says the workspace, as nearly all do, makes no text of its own. */
function keyOf({ key }: KafkaMessage, workspace: string): string | null {
  if (key === null || key.length !== workspace.length) return key?.toString() ?? null
  for (let index = 0; index < key.length; index += 1) {
    const byte = key[index] ?? 0
    if (byte > 0x7f || byte !== workspace.charCodeAt(index)) return key.toString()
  }
  return workspace
}
