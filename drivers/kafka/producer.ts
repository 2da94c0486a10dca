import kafkajs, { type Kafka, type Producer } from 'kafkajs'
import { quickPartitioner } from './partitioner.ts'
import { type Batch, type OutgoingRecord, RecordQueue } from './record-queue.ts'

/** How long records wait for the request before theirs. */
const GATHER_MAX_MS = 10
/** Requests under way at most. */
const IN_FLIGHT_MAX = 3
/** Pauses before a request is sent again, and by how much of it each may be shorter, so that not all come back at once. */
const RETRY_AFTER_MS = [60, 120, 240, 480, 960] as const
const RETRY_SPREAD = 0.4

/**
 * Writes records so that many callers share a request; acks all. Records of one key are written in the order in which they
 * were given, however often a request has to be sent again.
 *
 * While nothing is under way a record leaves at the end of the turn of the event loop that it came in. What comes
 * while a request is under way gathers until that is answered, so that a request gets larger as brokers get busier: to
 * them a request costs what dozens of records do. Slow brokers are asked again meanwhile, with other keys.
 */
export class GatheringProducer {
  readonly #producer: Producer
  readonly #withinMs: number | null
  readonly #queue = new RecordQueue((batch) => this.#limit(batch))
  #flush: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  readonly #inFlight = new Set<Promise<void>>()

  /** `withinMs`: records that are not acknowledged so long after the first of their batch was given are late, and those that still wait are dropped. */
  constructor(kafka: Kafka, withinMs: number | null = null) {
    this.#withinMs = withinMs
    this.#producer = kafka.producer({
      createPartitioner: quickPartitioner,
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
    })
  }

  /** Connects to the brokers. */
  async start(): Promise<void> {
    await this.#producer.connect()
  }

  /** Sends what waits and disconnects. */
  async stop(): Promise<void> {
    while (!this.#queue.isEmpty || this.#inFlight.size > 0) {
      this.#send()
      if (this.#inFlight.size > 0) await Promise.race(this.#inFlight)
    }
    await this.#producer.disconnect()
  }

  /**
   * Writes records, in one request where they fit into one; resolves when all in-sync replicas have them.
   *
   * When it rejects, the outcome is not known: the same records may be sent again, their ids make them count once.
   */
  send(...records: readonly OutgoingRecord[]): Promise<void> {
    const batches = new Set(records.map((record) => this.#queue.put(record)))
    this.#schedule()
    const [first, ...rest] = [...batches].map(({ acknowledged }) => acknowledged.promise)
    if (first === undefined || rest.length === 0) return first ?? Promise.resolve()
    return Promise.all([first, ...rest]).then(() => undefined)
  }

  /** Lets a batch be late in time. */
  #limit(batch: Batch): void {
    if (this.#withinMs === null) return
    const { acknowledged } = batch
    const late = (): void => {
      batch.isLate = true
      acknowledged.reject(new Error('no acknowledgement in time'))
    }
    const timer = setTimeout(late, this.#withinMs)
    const onTime = (): void => clearTimeout(timer)
    acknowledged.promise.then(onTime, onTime)
  }

  #schedule(): void {
    if (this.#flush !== null || this.#inFlight.size >= IN_FLIGHT_MAX || !this.#queue.isReady) return
    if (this.#inFlight.size === 0 || this.#queue.isDue) this.#flush = setImmediate(() => this.#send())
    else this.#timer ??= setTimeout(() => this.#send(), GATHER_MAX_MS)
  }

  #send(): void {
    if (this.#flush !== null) clearImmediate(this.#flush)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#flush = null
    this.#timer = null
    if (this.#inFlight.size >= IN_FLIGHT_MAX) return
    const batches = this.#queue.take()
    if (batches.length === 0) return
    const request = this.#request(batches).finally(() => {
      this.#inFlight.delete(request)
      this.#schedule()
    })
    this.#inFlight.add(request)
    this.#schedule()
  }

  async #request(batches: readonly Batch[]): Promise<void> {
    const settle = (tell: (batch: Batch) => void): void => {
      for (const batch of batches) this.#queue.settle(batch)
      for (const batch of batches) tell(batch)
    }
    try {
      await this.#write(batches.flatMap(({ records }) => records))
      settle(({ acknowledged }) => acknowledged.resolve())
    } catch (error) {
      settle(({ acknowledged }) => acknowledged.reject(error))
    }
  }

  /**
   * Sends again what failed, all of it: kafkajs itself would leave out what belongs to a broker that has answered, also where
   * that has become the leader of what the other one did not take (kafkajs#1798).
   */
  async #write(records: readonly OutgoingRecord[]): Promise<void> {
    const topicMessages = [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, given]) => ({
      topic,
      messages: given.map(({ topic: _, ...message }) => message),
    }))
    const send = async (): Promise<void> => {
      await this.#producer.sendBatch({ topicMessages, acks: -1, timeout: 5_000 })
    }
    for (const pauseMs of RETRY_AFTER_MS) {
      try {
        return await send()
      } catch (error) {
        if (!(error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded)) throw error
        const spreadMs = pauseMs * (1 - RETRY_SPREAD * Math.random())
        await new Promise((resolve) => setTimeout(resolve, spreadMs))
      }
    }
    await send()
  }
}
