import type { Logger } from 'pino'
import type { DecisionCount, NotedDecision } from '#core/decisions/decision-count.ts'
import { DecisionGatherer } from '#core/decisions/decision-gatherer.ts'
import type { Instant } from '#core/instant.ts'
import type { DecisionLog } from '#drivers/mongo/decision-log.ts'

interface RecorderOptions {
  readonly store: Pick<DecisionLog, 'add'>
  /** Name of this process among all that ever ran. */
  readonly name: string
  readonly now: () => Instant
  readonly log: Pick<Logger, 'warn'>
  readonly onDropped: (decisions: number) => void
}

/** Time between two flushes; the log is behind by no more while MongoDB answers. */
export const FLUSH_EVERY_MS = 5_000

interface Batch {
  readonly name: string
  readonly counts: readonly DecisionCount[]
}

/**
 * Notes decisions without ever making one wait: counted in memory, stored on a timer.
 *
 * While MongoDB is away one batch waits under its name and the rest goes on being counted up to a bound; what
 * finds no room is dropped and said in a metric. A process that is killed loses its last seconds.
 */
export class DecisionRecorder {
  readonly #options: RecorderOptions
  readonly #gatherer = new DecisionGatherer()
  #waiting: Batch | null = null
  #flushing: Promise<void> | null = null
  #batches = 0
  #timer: NodeJS.Timeout | null = null

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Notes a decision that was just made. */
  note(decision: NotedDecision): void {
    this.#gatherer.note(decision, this.#options.now())
  }

  /** Begins to store what is counted. */
  start(): void {
    this.#timer = setInterval(() => void this.flush(), FLUSH_EVERY_MS)
    this.#timer.unref()
  }

  /** Stores what is left and ends. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.flush()
    await this.flush()
  }

  /** Stores what was counted; a batch that failed before goes first. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flushOnce().finally(() => {
      this.#flushing = null
    })
    return this.#flushing
  }

  async #flushOnce(): Promise<void> {
    const batch = this.#waiting ?? this.#nextBatch()
    if (batch.counts.length === 0) return
    this.#waiting = batch
    try {
      await this.#options.store.add(batch.name, batch.counts)
      this.#waiting = null
    } catch (error) {
      this.#options.log.warn({ err: error }, 'decisions could not be logged; they are tried again')
    }
  }

  #nextBatch(): Batch {
    const { counts, dropped } = this.#gatherer.take()
    if (dropped > 0) this.#options.onDropped(dropped)
    this.#batches += 1
    return { name: `${this.#options.name}-${this.#batches}`, counts }
  }
}
