import kafkajs, { type EachBatchPayload } from 'kafkajs'
import type { Logger } from 'pino'

/** How long a partition whose batch could not be handled is left alone, ms. */
const REST_MS = 1_000
/** A partition that still cannot be handled says so again after so many tries. */
const SAID_EVERY = 10

/** Partitions that are left alone for a while: what is fetched with theirs does not wait for what their batch lacks. */
export class RestingPartitions<Session> {
  readonly #log: Logger
  /** How often each session could not handle what comes next. */
  readonly #tries = new Map<Session, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Whether a session could not handle what comes next when it last had it. */
  has(session: Session): boolean {
    return this.#tries.has(session)
  }

  /**
   * Has nothing fetched of a partition for a second, because its batch could not be handled.
   *
   * Throws on what the group says, for instance that this member lost its partitions: that is for the client.
   */
  begin(
    session: Session,
    { batch, pause }: Pick<EachBatchPayload, 'batch' | 'pause'>,
    error: unknown,
  ): 'resting' {
    if (error instanceof kafkajs.KafkaJSError) throw error
    const { topic, partition } = batch
    const tries = (this.#tries.get(session) ?? 0) + 1
    this.#tries.set(session, tries)
    if (tries % SAID_EVERY === 1)
      this.#log.warn({ err: error, topic, partition, tries }, 'a batch could not be handled; trying again')
    const resume = pause()
    setTimeout(() => resume(), REST_MS).unref()
    return 'resting'
  }

  /** A session handled what came next, or is no longer that of its partition. */
  end(session: Session): void {
    this.#tries.delete(session)
  }

  /** All partitions were given out anew. */
  clear(): void {
    this.#tries.clear()
  }
}
