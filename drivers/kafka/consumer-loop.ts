import type { Consumer, ConsumerEndBatchProcessEvent, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { Logger } from 'pino'
import { restAfter } from './fetch-pace.ts'
import { fetchedOffset, isOfAnotherLog, nextOffset } from './fetched-batch.ts'
import { RestingPartitions } from './resting-partitions.ts'

/** Records of one partition in offset order; `next` is the offset after the last one, holes included. */
export interface RecordBatch {
  readonly messages: readonly KafkaMessage[]
  readonly next: number
  /** How many offsets lay after it in the log when it was fetched. */
  readonly behind: number
  /** Keeps the group membership alive; throws when this consumer lost it. */
  readonly heartbeat: () => Promise<void>
}

/** What the owner of a partition does with it; the loop makes one for each assignment. */
export interface PartitionSession {
  /** Offset that must be handled next. */
  readonly position: number
  /**
   * When the newest record before that was appended, ms: committed beside it, so that a log that was made anew is told from
   * the one that was read. Null or left out where it is not known.
   */
  readonly appendedAt?: number | null
  /**
   * Handles a batch that starts at `position`; `reopen` when the stored state says otherwise than this session.
   *
   * Where it throws, for want of something that this batch alone needs, the same offsets are handed to it again a second
   * later; the other partitions go on meanwhile.
   */
  handle(batch: RecordBatch): Promise<'done' | 'reopen'>
  /** Goes on at an offset before which no record is left to read: what was there belongs to transactions alone. */
  passOver(next: number): void
}

/** Where a partition of this process stands. */
export interface Standing {
  readonly partition: number
  /** Null while it is being opened. */
  readonly position: number | null
  /** A batch is being handled, or waits for an engine that does not answer. */
  readonly isBusy: boolean
}

interface LoopOptions<Session extends PartitionSession> {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topic: string
  readonly log: Logger
  /** Opens a partition, as long as it takes; `isWanted` turns false when it was given to another consumer. */
  readonly openSession: (partition: number, isWanted: () => boolean) => Promise<Session>
  /** The consumer stopped for good; the process must end so that another takes over. */
  readonly onFatal: (reason: Error) => void
  /** How long a member that died is waited for before its partitions go to another, ms. */
  readonly sessionTimeoutMs: number
  readonly concurrency?: number
  /** How long to rest so many ms after a fetch; `restAfter` of fetch-pace.ts when left out. */
  readonly restMs?: (sinceFetchMs: number) => number
}

/**
 * Asked of one partition at once, as the log keeps it: compressed well that is five thousand records in memory. Four times
 * as much cost more processor time, for keeping it, than fewer fetches saved.
 */
const FETCH_BYTES = 65_536

/**
 * Partitions whose batches are handled at once. As many as a process has: with fewer, each batch of the rest waits for one
 * of the others to be in its store, which doubled the enforcement lag.
 */
const AT_ONCE = 64

/** Records of one partition in a fetch; with more there is a backlog, and nothing is waited for. */
const SMALL_BATCH = 200

/** How often the position is committed to Kafka: a hint for lag tools, never the truth (counting.md). */
const COMMIT_EVERY_MS = 5_000

/**
 * Reads a topic as a member of a group, each partition from where its session says.
 *
 * The stored position of the session wins over the offset committed in Kafka: a batch that does not start
 * there is discarded and fetched again from there.
 */
export class ConsumerLoop<Session extends PartitionSession> {
  readonly #options: LoopOptions<Session>
  readonly #consumer: Consumer
  readonly #sessions = new Map<number, Promise<Session>>()
  readonly #open = new Map<number, Session>()
  readonly #busy = new Set<Session>()
  readonly #resting: RestingPartitions<Session>
  #assigned: readonly number[] = []
  #generation = 0
  #lastFetchAt = performance.now()
  /** Batches that are handled now; the client fetches again when all of a fetch are. */
  #handling = 0
  #lastHandledAt = 0
  #commitTimer: NodeJS.Timeout | null = null

  constructor(options: LoopOptions<Session>) {
    this.#options = options
    this.#resting = new RestingPartitions(options.log)
    this.#consumer = options.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: 3_000,
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: FETCH_BYTES,
      retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 5_000 },
    })
  }

  /** Sessions of the partitions this process owns now, by partition. */
  get sessions(): ReadonlyMap<number, Session> {
    return this.#open
  }

  /** Where every partition of this process stands, those that are not open yet, too. */
  get standings(): readonly Standing[] {
    return this.#assigned.map((partition) => {
      const session = this.#open.get(partition)
      if (session === undefined) return { partition, position: null, isBusy: false }
      const isBusy = this.#busy.has(session) || this.#resting.has(session)
      return { partition, position: session.position, isBusy }
    })
  }

  /** Milliseconds for which a fetch has been waited for in vain; 0 while a batch is handled: nothing is fetched meanwhile. */
  get idleMs(): number {
    return this.#handling > 0 ? 0 : performance.now() - Math.max(this.#lastFetchAt, this.#lastHandledAt)
  }

  /** Joins the group and reads until `stop`. */
  async start(): Promise<void> {
    const { topic, onFatal, concurrency } = this.#options
    const { GROUP_JOIN, CRASH, FETCH, END_BATCH_PROCESS } = this.#consumer.events
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#assign(payload.memberAssignment[topic] ?? []))
    this.#consumer.on(FETCH, () => {
      this.#lastFetchAt = performance.now()
    })
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => this.#passOver(payload))
    this.#consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) onFatal(payload.error)
    })
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topic, fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: concurrency ?? AT_ONCE,
      eachBatch: (payload) => this.#handle(payload),
    })
    this.#commitTimer = setInterval(() => void this.#commit(), COMMIT_EVERY_MS)
  }

  /** Leaves the group; a batch under way is finished first. */
  async stop(): Promise<void> {
    if (this.#commitTimer !== null) clearInterval(this.#commitTimer)
    await this.#commit()
    await this.#consumer.disconnect()
  }

  /** Drops a session, and opens its partition anew; not where that was opened anew, or given away, meanwhile. */
  reopen(partition: number, session: Session): void {
    if (this.#open.get(partition) !== session) return
    this.#sessions.delete(partition)
    this.#open.delete(partition)
    this.#resting.end(session)
    this.#prepare(partition)
  }

  /** The same of whichever session a partition has; nothing while it is being opened, or is another process's. */
  reopenPartition(partition: number): void {
    const session = this.#open.get(partition)
    if (session !== undefined) this.reopen(partition, session)
  }

  #assign(partitions: readonly number[]): void {
    this.#generation += 1
    this.#assigned = partitions
    this.#sessions.clear()
    this.#open.clear()
    this.#resting.clear()
    this.#options.log.info({ partitions, topic: this.#options.topic }, 'partitions assigned')
    for (const partition of partitions) this.#prepare(partition)
  }

  /** Opens the session of a partition ahead of its first batch, and sends the fetcher to its position. */
  #prepare(partition: number): void {
    const generation = this.#generation
    const opening = this.#options.openSession(partition, () => generation === this.#generation)
    this.#sessions.set(partition, opening)
    opening.then(
      (session) => {
        if (generation !== this.#generation || this.#sessions.get(partition) !== opening) return
        this.#open.set(partition, session)
        this.#seek(partition, session.position)
      },
      (error: unknown) => {
        this.#options.log.error({ err: error, partition }, 'the partition could not be opened; trying again')
        if (this.#sessions.get(partition) === opening) this.#sessions.delete(partition)
      },
    )
  }

  /** A client that begins anew takes no seek, and assigns anew; a batch from elsewhere is sought again. */
  #seek(partition: number, position: number): void {
    const { topic, log } = this.#options
    try {
      this.#consumer.seek({ topic, partition, offset: String(position) })
    } catch (error) {
      log.debug({ err: error, partition }, 'the client takes no position now')
    }
  }

  async #handle(payload: EachBatchPayload): Promise<void> {
    this.#handling += 1
    try {
      await this.#onBatch(payload)
    } finally {
      this.#handling -= 1
      this.#lastHandledAt = performance.now()
    }
  }

  async #onBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning } = payload
    const { partition } = batch
    if (!this.#sessions.has(partition)) this.#prepare(partition)
    const opening = this.#sessions.get(partition)
    const session = await this.#whileAlive(opening, heartbeat)
    if (session === null || !isRunning() || this.#sessions.get(partition) !== opening) return
    if (isOfAnotherLog(batch, session)) return this.reopen(partition, session)
    if (fetchedOffset(batch) !== session.position) return this.#seek(partition, session.position)
    const next = nextOffset(batch)
    this.#busy.add(session)
    const behind = Number(batch.highWatermark) - next
    const handled = session.handle({ messages: batch.messages, next, behind, heartbeat })
    const outcome = await handled
      .catch((error: unknown) => this.#resting.begin(session, payload, error))
      .finally(() => this.#busy.delete(session))
    if (outcome === 'resting') return
    this.#resting.end(session)
    if (outcome === 'reopen') return this.reopen(partition, session)
    resolveOffset(String(next - 1))
    if (batch.messages.length < SMALL_BATCH) await this.#pace()
  }

  /** Waits until some time passed since the last fetch: what comes meanwhile is fetched and handled together. */
  async #pace(): Promise<void> {
    const { restMs: rest = restAfter } = this.#options
    const restMs = rest(performance.now() - this.#lastFetchAt)
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
  }

  /** The client keeps what a batch holds to itself where all of it was aborted, or marks where a transaction ends. */
  #passOver(batch: ConsumerEndBatchProcessEvent['payload']): void {
    const session = this.#open.get(batch.partition)
    if (batch.batchSize > 0 || session === undefined) return
    if (batch.firstOffset !== String(session.position)) return
    session.passOver(Number(batch.lastOffset) + 1)
  }

  /** Waits for a session while telling the group that this member lives; null when it could not be opened. */
  async #whileAlive(
    opening: Promise<Session> | undefined,
    heartbeat: () => Promise<void>,
  ): Promise<Session | null> {
    if (opening === undefined) return null
    const settled = opening.catch(() => null)
    for (;;) {
      const session = await Promise.race([settled, pause(1_000)])
      if (session !== 'paused') return session
      await heartbeat()
    }
  }

  async #commit(): Promise<void> {
    const { topic, log } = this.#options
    const offsets = [...this.#open].map(([partition, { position, appendedAt = null }]) => ({
      topic,
      partition,
      offset: String(position),
      metadata: appendedAt === null ? null : String(appendedAt),
    }))
    if (offsets.length === 0) return
    await this.#consumer.commitOffsets(offsets).catch((error: unknown) => {
      log.debug({ err: error }, 'the position was not committed; it is only a hint')
    })
  }
}

async function pause(forMs: number): Promise<'paused'> {
  return new Promise((resolve) => setTimeout(() => resolve('paused'), forMs).unref())
}
