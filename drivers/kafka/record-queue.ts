import type { IHeaders } from 'kafkajs'
import type { TopicName } from '#schemas/records.ts'

/** A record to be written; the key decides its partition. */
export interface OutgoingRecord {
  readonly topic: TopicName
  readonly key: string | Buffer | null
  readonly value: Buffer
  readonly headers?: IHeaders
}

/** Records that leave together, and so share their fate. */
export interface Batch {
  readonly records: OutgoingRecord[]
  bytes: number
  /** Its callers were told that they do not know; what has not left by then need not leave any more. */
  isLate: boolean
  readonly acknowledged: PromiseWithResolvers<void>
  state: 'waiting' | 'under way' | 'settled'
  /** It holds earlier records of the same keys: this one leaves once that one is settled. */
  after: Batch | null
  /** Takes what comes of its keys when it takes no more itself. */
  next: Batch | null
}

/** Records of one request at most. */
const BATCH_MAX = 2_000
/** Bytes of one request at most: brokers refuse what of one partition is above 1 MiB, and with it all of the request. */
const BATCH_BYTES_MAX = 900_000
/** What a record takes beside its key, value and headers, and a header beside its name and value: lengths, offset and time. */
const RECORD_BYTES = 20
const HEADER_BYTES = 6

/**
 * Records that wait to be written, so that those of one key leave in the order in which they came.
 *
 * Several requests are under way at once, and each is tried again by itself: the later could be written first. So no
 * request leaves with a key that is in another one under way. What comes of such a key gathers behind that one, and
 * all other keys go on (ADR 0034).
 */
export class RecordQueue {
  readonly #onBegun: (batch: Batch) => void
  readonly #waiting: Batch[] = []
  /** Where the newest record of a key is, until that is settled. */
  readonly #newest = new Map<string, Batch>()
  /** Takes what is of no key that is anywhere. */
  #open: Batch | null = null

  /** `onBegun` hears of each batch as it begins. */
  constructor(onBegun: (batch: Batch) => void) {
    this.#onBegun = onBegun
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Whether something may leave. */
  get isReady(): boolean {
    return this.#waiting.some(isReady)
  }

  /** Whether something may leave that will not get larger for waiting: it is full, or what it waited for is settled. */
  get isDue(): boolean {
    return this.#waiting.some((batch) => batch !== this.#open && isReady(batch))
  }

  /** Takes a record; answers what it will leave with. */
  put(record: OutgoingRecord): Batch {
    const bytes = bytesOf(record)
    const key = keyOf(record)
    const batch = this.#placeFor(key, bytes)
    batch.records.push(record)
    batch.bytes += bytes
    if (key !== null) this.#newest.set(key, batch)
    return batch
  }

  /** What leaves now, as much as fits into a request; no two of it share a key. What is late is dropped. */
  take(): readonly Batch[] {
    const taken: Batch[] = []
    const room = { records: BATCH_MAX, bytes: BATCH_BYTES_MAX }
    for (const batch of this.#waiting.splice(0)) {
      const { records, bytes } = batch
      const isAlone = taken.length === 0
      const isFitting = isAlone || (records.length <= room.records && bytes <= room.bytes)
      if (!isReady(batch) || (!batch.isLate && !isFitting)) {
        this.#waiting.push(batch)
        continue
      }
      this.#leave(batch)
      if (batch.isLate) {
        this.settle(batch)
        continue
      }
      taken.push(batch)
      room.records -= records.length
      room.bytes -= bytes
    }
    return taken
  }

  /** Its keys may leave again: it was answered, or given up. */
  settle(batch: Batch): void {
    batch.state = 'settled'
    batch.next = null
    for (const record of batch.records) {
      const key = keyOf(record)
      if (key !== null && this.#newest.get(key) === batch) this.#newest.delete(key)
    }
  }

  #leave(batch: Batch): void {
    batch.state = 'under way'
    batch.after = null
    if (this.#open === batch) this.#open = null
  }

  #placeFor(key: string | null, bytes: number): Batch {
    const newest = key === null ? undefined : this.#newest.get(key)
    if (newest === undefined) {
      if (this.#open === null || !hasRoom(this.#open, bytes)) this.#open = this.#begin(null)
      return this.#open
    }
    if (hasRoom(newest, bytes)) return newest
    if (newest.next === null || !hasRoom(newest.next, bytes)) newest.next = this.#begin(newest)
    return newest.next
  }

  #begin(after: Batch | null): Batch {
    const acknowledged = Promise.withResolvers<void>()
    const batch: Batch = {
      records: [],
      bytes: 0,
      isLate: false,
      acknowledged,
      state: 'waiting',
      after,
      next: null,
    }
    this.#waiting.push(batch)
    this.#onBegun(batch)
    return batch
  }
}

function isReady({ after }: Batch): boolean {
  return after === null || after.state === 'settled'
}

function hasRoom({ state, isLate, records, bytes: taken }: Batch, bytes: number): boolean {
  return state === 'waiting' && !isLate && records.length < BATCH_MAX && taken + bytes <= BATCH_BYTES_MAX
}

function keyOf({ key }: OutgoingRecord): string | null {
  return key === null ? null : key.toString()
}

/** What a record takes of a request. */
function bytesOf({ key, value, headers = {} }: OutgoingRecord): number {
  const stated = Object.entries(headers).flatMap(([name, given]) =>
    [given].flat().map((one) => HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(one ?? '')),
  )
  const own = RECORD_BYTES + Buffer.byteLength(key ?? '') + value.length
  return stated.reduce((sum, bytes) => sum + bytes, own)
}
