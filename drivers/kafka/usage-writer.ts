import type { Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { TallygateError } from '#core/errors.ts'
import type { UsageSink } from '#core/ports.ts'
import type { OwnUsage } from '#core/usage/own-usage.ts'
import type { SchemaIds } from '#drivers/registry/schema-registry.ts'
import { type Encode, encoderOf } from '#schemas/encoder.ts'
import { type RecordName, usageRecords } from '#schemas/records.ts'
import { GatheringProducer } from './producer.ts'
import type { OutgoingRecord } from './record-queue.ts'

interface WriterOptions {
  readonly kafka: Kafka
  readonly log: Logger
  /** Headers that name the trace of who writes; left out where nothing is traced. */
  readonly traceHeaders?: () => Readonly<Record<string, string>> | null
}

/** A caller hears `unknown` after this; what is on its way may still arrive, under the same ids. */
const ACKNOWLEDGED_WITHIN_MS = 4_000
const RETRY_EVERY_MS = 1_000

/**
 * Writes usage events for processes that answer callers: begins without Kafka and without the registry, and says so
 * until both were reached once.
 */
export class UsageWriter implements UsageSink {
  readonly #options: WriterOptions
  readonly #producer: GatheringProducer
  #encoders: ReadonlyMap<RecordName, Encode> | null = null
  #isStopped = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.#producer = new GatheringProducer(options.kafka, ACKNOWLEDGED_WITHIN_MS)
  }

  /** Connects once; goes on trying by itself while that fails, or while there are no ids that are to be written. */
  async start(schemaIds: () => Promise<SchemaIds>): Promise<void> {
    try {
      const [ids] = await Promise.all([schemaIds(), this.#producer.start()])
      this.#encoders = new Map(usageRecords.map((record) => [record, encoderOf(record, ids[record])]))
    } catch (error) {
      this.#options.log.warn({ err: error }, 'usage cannot be written yet; trying again')
      setTimeout(() => this.#isStopped || void this.start(schemaIds), RETRY_EVERY_MS).unref()
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#producer.stop()
  }

  /** What is wrong with the way to Kafka; null when it was found. */
  get problem(): string | null {
    return this.#encoders === null ? 'Kafka or the schema registry has not been reached yet' : null
  }

  requireReachable(): void {
    if (this.problem !== null)
      throw new TallygateError('unavailable', `nothing can be counted yet: ${this.problem}; try again`)
  }

  /** Lays a record out as it is written. Throws `invalid_request` for a value that is not of its schema. */
  encode(record: RecordName, value: { readonly workspace: string }): OutgoingRecord {
    const encode = this.#encoders?.get(record)
    if (encode === undefined)
      throw new TallygateError(
        'unavailable',
        `no ${record} can be written yet: ${this.problem ?? 'unknown record'}`,
      )
    const headers = this.#options.traceHeaders?.() ?? null
    const outgoing = { topic: 'usage.events', key: value.workspace, value: encode(value) } as const
    return headers === null ? outgoing : { ...outgoing, headers }
  }

  /** Resolves when every in-sync replica has all of them. Throws `unknown` when that cannot be said. */
  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return
    await this.#producer.send(...records).catch((error: unknown) => {
      throw new TallygateError('unknown', 'the log did not acknowledge it; retry with the same id', {}, error)
    })
  }

  async produce(events: readonly OwnUsage[]): Promise<void> {
    if (events.length === 0) return
    if (this.#encoders === null)
      throw new TallygateError(
        'unknown',
        `it may be held and is not written yet: ${this.problem}; retry with the same id`,
      )
    await this.send(events.map((event) => this.encode('MeterEvent', event)))
  }
}
