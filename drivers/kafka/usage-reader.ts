import type { KafkaMessage } from 'kafkajs'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import type { DeadLetterCode } from '#core/errors.ts'
import { APPEND_TIME_HEADER } from '#core/usage/append-time.ts'
import { indexMeters, type MeasureContext } from '#core/usage/measure.ts'
import { recordUsage } from '#core/usage/record-usage.ts'
import type { UsageEvent } from '#core/usage/usage-event.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import type { DedupeId, EventIdentity } from '#drivers/redis/dedupe-id.ts'
import type { Decoded } from '#schemas/decoder.ts'

/** A record that may not count, with why. */
export interface Refused {
  readonly message: KafkaMessage
  readonly code: DeadLetterCode
  readonly reason: string
  readonly schemaId: number | null
}

interface ReaderOptions {
  readonly decode: (message: KafkaMessage) => Decoded
  readonly hasher: (identity: EventIdentity) => DedupeId
  /** Newest catalogue; `fresh` asks the store again before a meter is called unknown. */
  readonly catalogue: (fresh: boolean) => Promise<Catalogue>
  readonly trustAppendTimeHeader: boolean
}

/** What a batch holds: events to apply, and records for the dead letters. */
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

  /** Reads a batch whose schema ids the decoder knows already. */
  async read(messages: readonly KafkaMessage[]): Promise<ReadBatch> {
    const events: SliceEvent[] = []
    const refused: Refused[] = []
    for (const message of messages) {
      const outcome = this.#readOne(message, await this.#contextOf(false))
      const settled = needsFreshCatalogue(outcome)
        ? this.#readOne(message, await this.#contextOf(true))
        : outcome
      if ('code' in settled) refused.push(settled)
      else events.push(settled)
    }
    return { events, refused }
  }

  #readOne(message: KafkaMessage, context: MeasureContext): SliceEvent | Refused {
    const decoded = this.#options.decode(message)
    if (!decoded.ok) {
      return { message, code: decoded.code, reason: decoded.reason, schemaId: decoded.schemaId }
    }
    const recorded = recordUsage(
      {
        record: decoded.record,
        event: usageEventOf(decoded.value),
        key: message.key?.toString() ?? null,
        kafkaTime: Number(message.timestamp),
        appendTimeHeader: this.#options.trustAppendTimeHeader ? headerOf(message) : null,
      },
      context,
    )
    if (!recorded.ok) return { message, code: recorded.code, reason: recorded.reason, schemaId: null }
    const { id, source, workspace, occurredAt } = recorded.event
    return {
      offset: Number(message.offset),
      workspace,
      occurredAt,
      appendedAt: recorded.appendedAt,
      dedupe: this.#options.hasher({ workspace, source, id }),
      changes: recorded.changes,
    }
  }

  async #contextOf(fresh: boolean): Promise<MeasureContext> {
    if (this.#context !== null && !fresh) return this.#context
    const catalogue = await this.#options.catalogue(fresh)
    if (this.#context?.catalogue.revision !== catalogue.revision) {
      this.#context = { catalogue, index: indexMeters(catalogue) }
    }
    return this.#context
  }
}

/** Every usage schema begins with the fields of `UsageEvent`, and the decoder made it fit. */
function usageEventOf(value: Readonly<Record<string, unknown>>): UsageEvent {
  return value as UsageEvent
}

function needsFreshCatalogue(outcome: SliceEvent | Refused): boolean {
  return 'code' in outcome && outcome.code === 'unknown_meter'
}

function headerOf(message: KafkaMessage): string | null {
  const header = message.headers?.[APPEND_TIME_HEADER]
  return header === undefined || Array.isArray(header) ? null : header.toString()
}
