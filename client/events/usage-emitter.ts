import type { Kafka } from 'kafkajs'
import { type FailureFacts, TallygateClientError } from '../client-error.ts'
import { type Encode, encoderOf } from './encode-event.ts'
import { EventSender } from './event-sender.ts'
import { findSchemaIds, type SchemaIds } from './find-schema-ids.ts'
import type { RecordName } from './records.gen.ts'
import { isSource, type UsageEvent, type UsageWish, usageEventOf } from './usage-event.ts'

/** Where usage events go, and who sends them. */
export interface EmitterOptions {
  /** Your own Kafka client, with brokers and credentials; the emitter makes its producer with it. */
  readonly kafka: Kafka
  /** The producing service. An event's identity is (workspace, source, id): never change it for events already sent. */
  readonly source: string
  /** URL of the schema registry (Confluent's API), or the schema ids where they are known. */
  readonly registry: string | SchemaIds
  /** How long an event may wait for its acknowledgement, ms; 30,000 when left out. */
  readonly patienceMs?: number
  /** Headers of the trace under way (`traceparent`, `tracestate`), so that it goes on in the consumers; null for none. */
  readonly traceHeaders?: () => Readonly<Record<string, string>> | null
}

/**
 * An event that is not known to be in the log. Send `event` again, now or after a restart (within 72 hours): it has its id,
 * so it counts once. Code `invalid_request` means that it never will be: correct it.
 */
export class UnsentEventError extends TallygateClientError {
  override readonly name: string = 'UnsentEventError'
  readonly event: UsageEvent

  constructor(facts: FailureFacts, event: UsageEvent) {
    super({ ...facts, workspace: event.workspace, operation: event.id })
    this.event = event
  }
}

const TOPIC = 'usage.events'
const PATIENCE_DEFAULT_MS = 30_000

/** Sends what was used, as events that count exactly once however often they are sent. */
export class UsageEmitter {
  readonly #options: EmitterOptions
  readonly #sender: EventSender
  #encoders: ReadonlyMap<RecordName, Encode> | null = null

  constructor(options: EmitterOptions) {
    if (!isSource(options.source))
      throw new RangeError('source: name the producing service, 1–64 of A-Za-z0-9._:-, not tallygate')
    const { kafka, patienceMs = PATIENCE_DEFAULT_MS } = options
    this.#options = options
    this.#sender = new EventSender({ kafka, topic: TOPIC, patienceMs })
  }

  /** Connects. Throws `not_found` for a registry without our schemas, `unavailable`, and what kafkajs throws. */
  async start(): Promise<void> {
    const { registry } = this.#options
    const ids = typeof registry === 'string' ? await findSchemaIds(registry) : registry
    const known = Object.entries(ids) as [RecordName, number][]
    await this.#sender.start()
    this.#encoders = new Map(known.map(([record, id]) => [record, encoderOf(record, id)]))
  }

  /** Sends what waits and disconnects. */
  async stop(): Promise<void> {
    this.#encoders = null
    await this.#sender.stop()
  }

  /** Fixes id and time of an event without sending it: for an outbox. Throws `invalid_request`, naming the field. */
  event<Name extends RecordName>(record: Name, wish: UsageWish<Name>): UsageEvent<Name> {
    return usageEventOf(record, this.#options.source, wish)
  }

  /** Sends an event; resolves once all in-sync replicas have it. Throws an UnsentEventError. */
  async send(event: UsageEvent): Promise<void> {
    const encode = this.#encoders?.get(event.record)
    const what = `${event.record} ${event.id} of ${event.workspace}`
    if (encode === undefined)
      throw new UnsentEventError(
        { code: 'unavailable', message: `${what}: start the emitter first, with an id for its schema` },
        event,
      )
    if (this.#sender.isFull)
      throw new UnsentEventError(
        { code: 'overloaded', message: `${what}: too much waits for the brokers; send it again later` },
        event,
      )
    const value = bytesOf(event, encode)
    const headers = this.#options.traceHeaders?.() ?? {}
    try {
      await this.#sender.send({ key: event.workspace, value, headers })
    } catch (cause) {
      const message = `${what}: not acknowledged; it may be in the log: send the same event again`
      throw new UnsentEventError({ code: 'unknown', message, mayHaveHappened: true, cause }, event)
    }
  }

  /** Makes an event and sends it; resolves with it once it is in the log. */
  async emit<Name extends RecordName>(record: Name, wish: UsageWish<Name>): Promise<UsageEvent<Name>> {
    const event = this.event(record, wish)
    await this.send(event)
    return event
  }
}

/** Encodes an event. Throws an UnsentEventError for one that its schema does not allow. */
function bytesOf(event: UsageEvent, encode: Encode): Buffer {
  try {
    return encode(event)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new UnsentEventError({ code: 'invalid_request', message, cause }, event)
  }
}
