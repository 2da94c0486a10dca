import type { KafkaMessage } from 'kafkajs'
import type { Logger } from 'pino'
import { setsCounters } from '#core/usage/sets-counters.ts'
import type { Committed } from '#drivers/kafka/committed-offset.ts'
import type { PartitionSession, RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import { learnSchemas } from '#drivers/kafka/learn-schemas.ts'
import { isTooLarge, readLetter, readUsage, usageIn } from '#drivers/kafka/letters.ts'
import type { LetterLog } from '#drivers/mongo/letter-log.ts'
import { untilDone } from '#drivers/retry.ts'
import type { Decoder } from '#schemas/decoder.ts'

/** What every session of a process shares. */
export interface LetterSessionDeps {
  readonly log: Logger
  readonly decoder: Decoder
  readonly letters: Pick<LetterLog, 'add'>
}

/** As ids of workspaces are written. */
const WORKSPACE = /^[A-Za-z0-9._:-]{1,64}$/

/** One partition of `dead.letters`; every step may be repeated, so the position needs no fence. */
export class LetterSession implements PartitionSession {
  readonly #deps: LetterSessionDeps
  readonly #partition: number
  #position: number
  #appendedAt: number | null

  constructor(
    deps: LetterSessionDeps,
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

  async handle({ messages, next, heartbeat }: RecordBatch): Promise<'done'> {
    const { log, decoder } = this.#deps
    await learnSchemas(decoder, messages)
    for (const message of messages) {
      await untilDone({ what: 'keeping a dead letter', log, between: heartbeat }, () => this.#keep(message))
      this.#position = Number(message.offset) + 1
      this.#appendedAt = Math.max(this.#appendedAt ?? 0, Number(message.timestamp))
      await heartbeat()
    }
    this.#position = next
    return 'done'
  }

  /** What is no letter is left to whoever wrote it there. */
  async #keep(message: KafkaMessage): Promise<void> {
    const { decoder, letters } = this.#deps
    const letter = readLetter(decoder, message)
    if (letter === null) return
    await learnSchemas(decoder, usageIn([letter]))
    const usage = readUsage(decoder, letter)
    const { headers: _, key, value, ...rest } = letter
    const name = key?.toString() ?? ''
    const place = { partition: this.#partition, offset: Number(message.offset) }
    await letters.add(place, {
      ...rest,
      workspace: WORKSPACE.test(name) ? name : null,
      isCut: isTooLarge(letter),
      statesCount: usage !== null && setsCounters(usage),
      value: value?.toString('base64') ?? null,
    })
  }
}
