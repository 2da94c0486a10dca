import kafkajs, { type IHeaders, type Kafka, type Producer } from 'kafkajs'
import type { TopicName } from '#schemas/records.ts'

/** A record to be written; the key decides its partition. */
export interface OutgoingRecord {
  readonly topic: TopicName
  readonly key: string | Buffer | null
  readonly value: Buffer
  readonly headers?: IHeaders
}

interface Waiting {
  readonly record: OutgoingRecord
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Records of one request at most. */
const BATCH_MAX = 2_000
/** How long the first record of a request waits for company. */
const GATHER_MS = 1
/** Requests under way at most: while so many wait for the brokers, what comes gathers for the next one. */
const IN_FLIGHT_MAX = 3

/**
 * Writes records so that many callers share a request: about a millisecond of them at a time, and more of them while the
 * brokers are busy; acks all.
 *
 * `send` resolves once every in-sync replica has the record. When it rejects, the outcome is not known: the same
 * record may be sent again, its id makes it count once.
 */
export class GatheringProducer {
  readonly #producer: Producer
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | null = null
  readonly #inFlight = new Set<Promise<void>>()

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      retry: { retries: 5, initialRetryTime: 50, maxRetryTime: 1_000 },
    })
  }

  /** Connects to the brokers. */
  async start(): Promise<void> {
    await this.#producer.connect()
  }

  /** Sends what waits and disconnects. */
  async stop(): Promise<void> {
    while (this.#waiting.length > 0 || this.#inFlight.size > 0) {
      this.#flush()
      await Promise.race(this.#inFlight)
    }
    await this.#producer.disconnect()
  }

  /** Writes a record; resolves when it is acknowledged by all in-sync replicas. */
  send(record: OutgoingRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, resolve, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#waiting.length === 0 || this.#inFlight.size >= IN_FLIGHT_MAX) return
    if (this.#waiting.length >= BATCH_MAX) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS)
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#waiting.length === 0 || this.#inFlight.size >= IN_FLIGHT_MAX) return
    const request = this.#request(this.#waiting.splice(0, BATCH_MAX)).finally(() => {
      this.#inFlight.delete(request)
      this.#schedule()
    })
    this.#inFlight.add(request)
  }

  async #request(batch: readonly Waiting[]): Promise<void> {
    const byTopic = Map.groupBy(batch, ({ record }) => record.topic)
    const topicMessages = [...byTopic].map(([topic, waiting]) => ({
      topic,
      messages: waiting.map(({ record: { key, value, headers } }) => ({
        key,
        value,
        ...(headers === undefined ? {} : { headers }),
      })),
    }))
    try {
      await this.#producer.sendBatch({ topicMessages, acks: -1, timeout: 5_000 })
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
