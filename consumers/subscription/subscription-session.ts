import type { KafkaMessage } from 'kafkajs'
import { WHEN_JUDGED } from '#core/entitlement/facts.ts'
import { type DeadLetterCode, reasonOfFault } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { FactStore } from '#core/ports.ts'
import type { Warning } from '#core/subscription/flag-trial.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { faultOfSubscriptionEvent } from '#core/subscription/validate-event.ts'
import { faultOfFuture, faultOfTime } from '#core/usage/append-time.ts'
import { appendTimeOfMessage } from '#drivers/kafka/append-time-header.ts'
import type { Committed } from '#drivers/kafka/committed-offset.ts'
import type { PartitionSession, RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import { decodeMessage } from '#drivers/kafka/decode-message.ts'
import { learnSchemas } from '#drivers/kafka/learn-schemas.ts'
import type { FactsSource } from '#drivers/mongo/facts-source.ts'
import type { RulesHistory } from '#drivers/rules-history.ts'
import type { BatchTrace } from '#drivers/traces.ts'
import type { Decoder } from '#schemas/decoder.ts'
import { recordVersion } from './record-version.ts'

/** A window that starts inside a day, to be written to the usage log. */
export interface WindowStart {
  readonly workspace: string
  readonly version: number
  readonly startsAt: number
  /** When it counts as told of, ms: it is late or not by that. */
  readonly appendedAt: number
}

/** A record or part of one that is refused. */
export interface RefusedVersion {
  readonly message: KafkaMessage
  readonly code: DeadLetterCode
  readonly reason: string
  readonly schemaId: number | null
  /** Id of the event, where it could be read. */
  readonly eventId?: string
}

/** What every session of a process shares. */
export interface SubscriptionSessionDeps {
  readonly decoder: Decoder
  readonly source: FactsSource
  readonly facts: FactStore
  readonly rules: Pick<RulesHistory, 'judging'>
  readonly trustAppendTimeHeader: boolean
  readonly now: () => Instant
  /** Both resolve when Kafka has acknowledged the record. */
  readonly startWindow: (start: WindowStart) => Promise<void>
  readonly deadLetter: (refused: RefusedVersion, partition: number) => Promise<void>
  /** Told of what was applied and looks wrong. */
  readonly warn: (warning: Warning, event: SubscriptionEvent) => void
  /** Follows the records of a batch that are traced; left out where nothing is. */
  readonly trace?: (messages: RecordBatch['messages'], partition: number) => BatchTrace
  /** Makes the same call until it succeeds; throws when the partition was lost. */
  readonly retry: <Value>(
    what: string,
    call: () => Promise<Value>,
    between: () => Promise<void>,
  ) => Promise<Value>
}

/**
 * One partition of `subscription.events`.
 *
 * Every step of a record may be repeated: the version is stored once, letters and window starts carry the same
 * ids, facts are only ever replaced by newer ones. So the position needs no fence.
 */
export class SubscriptionSession implements PartitionSession {
  readonly #deps: SubscriptionSessionDeps
  readonly #partition: number
  #position: number
  #appendedAt: number | null

  constructor(
    deps: SubscriptionSessionDeps,
    { partition, position, appendedAt }: Committed & { readonly partition: number },
  ) {
    this.#deps = deps
    this.#partition = partition
    this.#position = position
    this.#appendedAt = appendedAt
  }

  get position(): number {
    return this.#position
  }

  get appendedAt(): number | null {
    return this.#appendedAt
  }

  passOver(next: number): void {
    this.#position = next
  }

  async handle(batch: RecordBatch): Promise<'done' | 'reopen'> {
    const { retry, decoder, trace } = this.#deps
    const traced = trace?.(batch.messages, this.#partition)
    const refused = new Map<string, string>()
    await learnSchemas(decoder, batch.messages)
    for (const message of batch.messages) {
      const code = await retry('a subscription version', () => this.#take(message), batch.heartbeat)
      if (code !== null) refused.set(message.offset, code)
      this.#position = Number(message.offset) + 1
      this.#appendedAt = Math.max(this.#appendedAt ?? 0, Number(message.timestamp))
      await batch.heartbeat()
    }
    this.#position = batch.next
    traced?.end(refused)
    return 'done'
  }

  /** Takes a record in; the code of the last letter that it came to, null for none. */
  async #take(message: KafkaMessage): Promise<DeadLetterCode | null> {
    const read = this.#read(message)
    return 'code' in read ? this.#refuse(read) : this.#apply(message, read)
  }

  /** The event of a record, or why it is none; also where the code itself fails on it: it would each time. */
  #read(message: KafkaMessage): SubscriptionEvent | RefusedVersion {
    try {
      const decoded = decodeMessage(this.#deps.decoder, message)
      if (!decoded.ok) return { message, ...decoded }
      const event = subscriptionEventOf(decoded.value)
      const fault =
        faultOfSubscriptionEvent(event, message.key?.toString() ?? null) ??
        faultOfFuture(event.occurredAt, appendTimeOfMessage(message, this.#deps.trustAppendTimeHeader))
      return fault === null ? event : { message, schemaId: null, eventId: event.id, ...fault }
    } catch (error) {
      return { message, code: 'undecodable', reason: reasonOfFault(error), schemaId: null }
    }
  }

  async #refuse(refused: RefusedVersion): Promise<DeadLetterCode> {
    await this.#deps.deadLetter(refused, this.#partition)
    return refused.code
  }

  /** Letters and the window's start are acknowledged before the new facts can be seen (counting.md). */
  async #apply(message: KafkaMessage, event: SubscriptionEvent): Promise<DeadLetterCode | null> {
    const { source, rules, facts, startWindow } = this.#deps
    const { isNew, folded, refusals, overtaken, starts } = await recordVersion(source, rules, event)
    const about = { message, schemaId: null, eventId: event.id }
    for (const { eventId, refusal } of overtaken) await this.#refuse({ ...about, eventId, ...refusal })
    for (const refusal of refusals) await this.#refuse({ ...about, ...refusal })
    const code = refusals.at(-1)?.code ?? null
    if (folded === null) return code
    for (const warning of folded.changes.get(event.version)?.warnings ?? []) this.#deps.warn(warning, event)
    for (const { version, startsAt } of starts) {
      const appendedAt = this.#toldAt(startsAt, message)
      if (appendedAt !== null)
        await startWindow({ workspace: event.workspace, version, startsAt, appendedAt })
    }
    // One that is read again may have been judged long ago: it dates no crossing back to when it happened.
    await facts.refresh(event.workspace, isNew ? event.occurredAt : WHEN_JUDGED)
    return code
  }

  /**
   * When a window's start is told of, which its record restates: with the record, but no sooner than it begins, as that of a
   * later version may. Where nobody believes what is restated, it is told of now. Null for one that began so long before
   * that it splits no day which is still counted: it would only be a dead letter.
   */
  #toldAt(startsAt: Instant, message: KafkaMessage): Instant | null {
    const { trustAppendTimeHeader, now } = this.#deps
    const { at } = appendTimeOfMessage(message, trustAppendTimeHeader)
    const toldAt = Math.max(startsAt, trustAppendTimeHeader ? at : now())
    const append = { at: toldAt, restated: trustAppendTimeHeader }
    return faultOfTime(startsAt, append) === null ? toldAt : null
  }
}

/** The decoder made the value fit the schema, whose fields are those of `SubscriptionEvent`. */
function subscriptionEventOf(value: Readonly<Record<string, unknown>>): SubscriptionEvent {
  return value as unknown as SubscriptionEvent
}
