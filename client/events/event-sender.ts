import kafkajs, { type Kafka, type Producer } from 'kafkajs'
import { pauseAfter } from '../backoff.ts'

/** Bytes to be written under a key. */
export interface OutgoingEvent {
  readonly key: string
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

interface Waiting extends OutgoingEvent {
  readonly since: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface SenderOptions {
  readonly kafka: Kafka
  readonly topic: string
  /** How long an event may wait for its acknowledgement, ms. */
  readonly patienceMs: number
}

/** Events and bytes of one request at most. */
const BATCH_MAX = 2_000
const BATCH_BYTES_MAX = 800_000
/** What a record takes beside its key, value and headers, and a header beside its name and value: lengths, offset and time. */
const RECORD_BYTES = 20
const HEADER_BYTES = 6
/** How long the first event of a request waits for company. */
const GATHER_MS = 1
/** What may wait at most: beyond it events are refused, not piled up. */
const WAITING_MAX = 100_000

/**
 * Writes events so that many callers share a request, one request after another: the events of a workspace keep their
 * order, also when a request is made again. Partitions as Java's own client chooses them; acks all.
 */
export class EventSender {
  readonly #options: SenderOptions
  readonly #producer: Producer
  readonly #waiting: Waiting[] = []
  #draining: Promise<void> | null = null

  constructor(options: SenderOptions) {
    this.#options = options
    this.#producer = options.kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      retry: { retries: 3, initialRetryTime: 50, maxRetryTime: 1_000 },
    })
  }

  /** Connects to the brokers. */
  async start(): Promise<void> {
    await this.#producer.connect()
  }

  /** Sends what waits and disconnects. */
  async stop(): Promise<void> {
    await this.#draining
    await this.#producer.disconnect()
  }

  /** Whether no more can wait. */
  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX
  }

  /** Resolves once all in-sync replicas have it. When it rejects, it may be in the log all the same. */
  send(event: OutgoingEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = statedOf(event.headers)
      this.#waiting.push({ ...event, headers, since: performance.now(), resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Ends in the turn in which nothing waits any more: what is sent after that begins anew. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
      const batch = this.#waiting.splice(0, batchLength(this.#waiting))
      try {
        await this.#deliver(batch)
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#draining = null
  }

  /** The same request until it is acknowledged: copies count once. */
  async #deliver(batch: readonly Waiting[]): Promise<void> {
    const { topic, patienceMs } = this.#options
    const messages = batch.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } }))
    const deadline = (batch[0]?.since ?? 0) + patienceMs
    for (let attempts = 1; ; attempts += 1) {
      try {
        await this.#producer.send({ topic, messages, acks: -1, timeout: 5_000 })
        return
      } catch (error) {
        if (!mayPass(error) || performance.now() >= deadline) throw error
      }
      const pauseMs = pauseAfter({ attempts, retryAfterMs: null }, Math.random())
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}

/** What is a text: a header without one, as a trace without a state has, would fail the request of all. */
function statedOf(headers: OutgoingEvent['headers']): OutgoingEvent['headers'] {
  const given: readonly (readonly [string, unknown])[] = Object.entries(headers)
  return Object.fromEntries(given.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

function batchLength(waiting: readonly Waiting[]): number {
  let bytes = 0
  const full = waiting.findIndex((event, index) => {
    bytes += bytesOf(event)
    return index > 0 && (index >= BATCH_MAX || bytes > BATCH_BYTES_MAX)
  })
  return full === -1 ? waiting.length : full
}

/** What an event takes of a request: brokers refuse what of one partition is above 1 MiB, and with it all of the request. */
function bytesOf({ key, value, headers }: OutgoingEvent): number {
  const stated = Object.entries(headers).map(
    ([name, text]) => HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text),
  )
  return stated.reduce((sum, bytes) => sum + bytes, RECORD_BYTES + Buffer.byteLength(key) + value.length)
}

/** Whether the same request may succeed later: kafkajs gives up on passing troubles, too, after its own retries. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'KafkaJSNumberOfRetriesExceeded' || Reflect.get(error, 'retriable') === true
}
