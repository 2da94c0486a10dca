import type { IHeaders, Kafka, Producer } from 'kafkajs'
import type { TopicName } from '#schemas/records.ts'
import { rememberingPartitioner } from './partitioner.ts'

/** A record to be written; the key decides its partition. */
export interface OutgoingRecord {
  readonly topic: TopicName
  readonly key: string | Buffer | null
  readonly value: Buffer
  readonly headers?: IHeaders
}

/** Records that share a request, and so their fate. */
interface Batch {
  readonly records: OutgoingRecord[]
  bytes: number
  /** Its callers were told that they do not know; what has not left by then need not leave any more. */
  isLate: boolean
  readonly acknowledged: PromiseWithResolvers<void>
}

/** Records of one request at most. */
const BATCH_MAX = 2_000
/** Bytes of one request at most: brokers refuse what of one partition is above 1 MiB, and with it all of the request. */
const BATCH_BYTES_MAX = 900_000
/** What a record takes beside its key, value and headers, and a header beside its name and value: lengths, offset and time. */
const RECORD_BYTES = 20
const HEADER_BYTES = 6
/** How long records wait for the request before theirs. */
const GATHER_MAX_MS = 10
/** Requests under way at most. */
const IN_FLIGHT_MAX = 3

/**
 * Writes records so that many callers share a request; acks all.
 *
 * While nothing is under way a record leaves at the end of the turn of the event loop that it came in. What comes
 * while a request is under way gathers until that is answered, so that a request gets larger as brokers get busier: to
 * them a request costs what dozens of records do. Slow brokers are asked again meanwhile.
 */
export class GatheringProducer {
  readonly #producer: Producer
  readonly #withinMs: number | null
  readonly #waiting: Batch[] = []
  #flush: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  readonly #inFlight = new Set<Promise<void>>()

  /** `withinMs`: records that are not acknowledged so long after the first of their request was given are late, and those that still wait are dropped. */
  constructor(kafka: Kafka, withinMs: number | null = null) {
    this.#withinMs = withinMs
    this.#producer = kafka.producer({
      createPartitioner: rememberingPartitioner,
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
    const batches = new Set<Batch>()
    for (const record of records) {
      const bytes = bytesOf(record)
      const last = this.#waiting.at(-1)
      const hasRoom =
        last !== undefined && last.records.length < BATCH_MAX && last.bytes + bytes <= BATCH_BYTES_MAX
      const batch = hasRoom && !last.isLate ? last : this.#begin()
      batch.records.push(record)
      batch.bytes += bytes
      batches.add(batch)
    }
    this.#schedule()
    const [first, ...rest] = [...batches].map(({ acknowledged }) => acknowledged.promise)
    if (first === undefined || rest.length === 0) return first ?? Promise.resolve()
    return Promise.all([first, ...rest]).then(() => undefined)
  }

  #begin(): Batch {
    const acknowledged = Promise.withResolvers<void>()
    const batch: Batch = { records: [], bytes: 0, isLate: false, acknowledged }
    this.#waiting.push(batch)
    if (this.#withinMs === null) return batch
    const late = (): void => {
      batch.isLate = true
      acknowledged.reject(new Error('no acknowledgement in time'))
    }
    const timer = setTimeout(late, this.#withinMs)
    const onTime = (): void => clearTimeout(timer)
    acknowledged.promise.then(onTime, onTime)
    return batch
  }

  #schedule(): void {
    if (this.#waiting.length === 0 || this.#inFlight.size >= IN_FLIGHT_MAX) return
    const isFull = this.#waiting.length > 1
    if (this.#inFlight.size === 0 || isFull) this.#flush ??= setImmediate(() => this.#send())
    else this.#timer ??= setTimeout(() => this.#send(), GATHER_MAX_MS)
  }

  #send(): void {
    if (this.#flush !== null) clearImmediate(this.#flush)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#flush = null
    this.#timer = null
    if (this.#inFlight.size >= IN_FLIGHT_MAX) return
    let batch = this.#waiting.shift()
    while (batch?.isLate) batch = this.#waiting.shift()
    if (batch === undefined) return
    const request = this.#request(batch).finally(() => {
      this.#inFlight.delete(request)
      this.#schedule()
    })
    this.#inFlight.add(request)
    this.#schedule()
  }

  async #request({ records, acknowledged }: Batch): Promise<void> {
    const topicMessages = [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, given]) => ({
      topic,
      messages: given.map(({ topic: _, ...message }) => message),
    }))
    try {
      await this.#producer.sendBatch({ topicMessages, acks: -1, timeout: 5_000 })
      acknowledged.resolve()
    } catch (error) {
      acknowledged.reject(error)
    }
  }
}

/** What a record takes of a request. */
function bytesOf({ key, value, headers = {} }: OutgoingRecord): number {
  const stated = Object.entries(headers).flatMap(([name, given]) =>
    [given].flat().map((one) => HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(one ?? '')),
  )
  const own = RECORD_BYTES + Buffer.byteLength(key ?? '') + value.length
  return stated.reduce((sum, bytes) => sum + bytes, own)
}
