import type { EachBatchPayload, Kafka } from 'kafkajs'
import { pino } from 'pino'
import type { UsageSession } from '#consumers/usage/usage-session.ts'
import { ConsumerLoop } from '#drivers/kafka/consumer-loop.ts'
import type { EventLog } from './event-log.ts'
import { mishapDepth } from './turbulence.ts'

interface WorkerOptions {
  readonly log: EventLog
  /** What the group committed, by partition: whoever committed last, whether it was right to or not. */
  readonly committed: Map<number, number>
  readonly open: (partition: number) => Promise<UsageSession>
}

/** A partition that is being opened, and how deep in mishaps that began. */
interface Opening {
  readonly session: Promise<UsageSession>
  readonly depth: number
}

/** Records behind a batch that are a backlog. */
const A_LOT = 10_000

type EachBatch = (payload: EachBatchPayload) => Promise<void>

/**
 * A consumer process: the loop of the real one, over a Kafka client that knows the log alone.
 *
 * As the client of Kafka does, this one begins where the group committed, and reads on from wherever it is sent.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #loop: ConsumerLoop<UsageSession>
  readonly #offsets = new Map<number, number>()
  readonly #busy = new Set<number>()
  readonly #openings = new Map<number, Opening>()
  readonly #started: Promise<void>
  #eachBatch: EachBatch = async () => undefined

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#loop = new ConsumerLoop({
      kafka: this.#client(),
      groupId: 'sim',
      topic: 'usage.events',
      log: pino({ level: 'silent' }),
      openSession: (partition) => this.#open(partition),
      onFatal: () => undefined,
      sessionTimeoutMs: 1_000,
      // A life goes by no clock: what runs beside what would be another one each time.
      restMs: () => 0,
    })
    this.#started = this.#loop.start()
  }

  get sessions(): ReadonlyMap<number, UsageSession> {
    return this.#loop.sessions
  }

  /**
   * Takes the next records of a partition, and opens it first if it has to.
   *
   * They come as two batches, the second while the slices of the first are under way or wait for it, sometimes with a mark
   * between them, and both are in Redis when it resolves: what goes on after a mishap makes a seed another life each time.
   * Who is one of the mishaps that slices go through does not read on: it would wait for itself.
   */
  async read(partition: number, count: number): Promise<void> {
    await this.#started
    if (!this.#loop.sessions.has(partition)) await this.#deliver(partition, 0)
    if (this.#loop.sessions.get(partition)?.isBusy) return
    const session = this.#loop.sessions.get(partition)
    if (session === undefined) return
    const first = Math.ceil(count / 2)
    try {
      await this.#deliver(partition, first)
      if (count % 3 === 0) await session.mark(null)
      if (count % 4 === 0) session.sendIdle()
      if (this.#loop.sessions.get(partition) === session && count > first)
        await this.#deliver(partition, count - first)
    } finally {
      await session.settle()
    }
  }

  /** Opens a partition anew. */
  async reopen(partition: number, session: UsageSession): Promise<void> {
    this.#loop.reopen(partition, session)
    await this.#opened(partition)
  }

  /** Commits what this process believes, as it does every few seconds. */
  commit(): void {
    for (const [partition, { position }] of this.#loop.sessions)
      this.#options.committed.set(partition, position)
  }

  /** The process ends, without a word. */
  async die(): Promise<void> {
    await this.#started
    await this.#loop.stop()
  }

  /** One batch of a partition at a time, as the client of Kafka has it. */
  async #deliver(partition: number, count: number): Promise<void> {
    if (this.#busy.has(partition) || this.#openings.has(partition)) return
    this.#busy.add(partition)
    await this.#handOut(partition, count).finally(() => this.#busy.delete(partition))
  }

  async #handOut(partition: number, count: number): Promise<void> {
    const from = this.#offsets.get(partition) ?? this.#options.committed.get(partition) ?? 0
    const events = (this.#options.log.partitions[partition] ?? []).slice(from, from + count)
    const messages = events.map((event) => ({
      offset: String(event.offset),
      timestamp: String(event.appendedAt),
      event,
    }))
    const batch = {
      topic: 'usage.events',
      partition,
      messages,
      fetchedOffset: String(count === 0 ? -1 : from),
      lastOffset: () => String(from + events.length - 1),
      // Every other one says that much more follows: what it holds waits for the next one.
      highWatermark: String(from + events.length + ((from + count) % 2) * A_LOT),
    }
    if (count > 0 && events.length === 0) return
    await this.#eachBatch(
      Object({
        batch,
        heartbeat: async () => undefined,
        isRunning: () => true,
        resolveOffset: (offset: string) => this.#offsets.set(partition, Number(offset) + 1),
      }),
    )
    await this.#opened(partition)
  }

  /** What happens while a partition is being opened does not wait for that: it would wait for itself. */
  async #open(partition: number): Promise<UsageSession> {
    const opening = { session: this.#options.open(partition), depth: mishapDepth() }
    this.#openings.set(partition, opening)
    try {
      return await opening.session
    } finally {
      if (this.#openings.get(partition) === opening) this.#openings.delete(partition)
    }
  }

  /** One that began outside of the mishap that asks goes on when that is over. */
  async #opened(partition: number): Promise<void> {
    const opening = this.#openings.get(partition)
    if (opening === undefined || opening.depth < mishapDepth()) return
    await opening.session.catch(() => undefined)
  }

  #client(): Kafka {
    const consumer = {
      events: {},
      on: () => undefined,
      connect: async () => undefined,
      subscribe: async () => undefined,
      run: async ({ eachBatch }: { readonly eachBatch: EachBatch }) => {
        this.#eachBatch = eachBatch
      },
      seek: ({ partition, offset }: { readonly partition: number; readonly offset: string }) =>
        this.#offsets.set(partition, Number(offset)),
      commitOffsets: async () => undefined,
      disconnect: async () => undefined,
    }
    return Object({ consumer: () => consumer })
  }
}
