import type { PartitionSession, RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import type { Refused, UsageReader } from '#drivers/kafka/usage-reader.ts'
import { SLICE_MAX, type SliceEvent } from '#drivers/redis/apply.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import type { BatchTrace } from '#drivers/traces.ts'
import type { TurnBudget } from '#drivers/turn-budget.ts'
import { countedUpto, type ShardPosition } from './shard-state.ts'
import { type Coverage, type SendOutcome, ShardTrack, type TrackDeps } from './shard-track.ts'

/** What every session of a process shares. */
export interface SessionDeps extends TrackDeps {
  readonly shards: readonly ShardKeys[]
  readonly reader: UsageReader
  /** Makes the decoder know all schema ids of some records; throws while the registry says nothing. */
  readonly prepare: (messages: RecordBatch['messages']) => Promise<void>
  /** Acknowledged by Kafka when it resolves. */
  readonly deadLetter: (refused: Refused, partition: number) => Promise<void>
  /** Shared by all who read in this process: how many records in one turn of the event loop. */
  readonly reading: TurnBudget
  /** Follows the records of a batch that are traced; left out where nothing is. */
  readonly trace?: (messages: RecordBatch['messages'], partition: number) => BatchTrace
}

/** With so many records behind a batch nobody waits for it: what it holds is sent together with what follows. */
const BACKLOG = 1_000
/** Records that are gathered for each shard's slice: by then most are nearly full, and few were sent because they are. */
const GATHERED_EACH = (3 / 4) * SLICE_MAX

/**
 * Records of all partitions that are read in one turn of the event loop, some three milliseconds: Redis has two slices at
 * a time, which last for seven, and stands still when nobody hears its answers.
 */
export const READ_AT_ONCE = 250

/** The end of a partition as it was verified: everything appended before the times lies below `end`. */
export interface VerifiedEnd {
  readonly end: number
  /** By shard, as the clock of its node had it; null where that did not answer. */
  readonly times: readonly (number | null)[]
}

/**
 * One partition while this process owns it: where each shard stands, and what must come next.
 *
 * Holds no truth: every call is fenced by what Redis holds, so a session that is wrong, late or doubled only
 * ever gets REGRESSED, OLD or INC (counting.md, "Why it is right").
 */
export class UsageSession implements PartitionSession {
  readonly partition: number
  readonly #deps: SessionDeps
  readonly #tracks: readonly ShardTrack[]
  #position: number
  #at = 0
  /** What was refused up to here is on `dead.letters`. */
  #setAsideUpto: number
  #isReading = false
  /** Where the first batch begins of which something was not sent. */
  #gatheredFrom: number
  /** Ends of the traces of those batches. */
  #ends: (() => void)[] = []
  /** The position as `sendIdle` found it last. */
  #idleAt = -1
  /** Slices that were sent because they were full, since all was sent. */
  #full = 0
  #heartbeat: RecordBatch['heartbeat'] = async () => undefined
  /** Up to where every shard has the log. */
  #landed: Coverage | null = null
  /** What became of the last batches that were sent off. */
  #flight: Promise<SendOutcome> = Promise.resolve('done')

  constructor(deps: SessionDeps, partition: number, positions: readonly ShardPosition[]) {
    this.#deps = deps
    this.partition = partition
    this.#tracks = deps.shards.map(
      (keys, shard) => new ShardTrack(deps, keys, { partition, position: positions[shard] }),
    )
    this.#position = Math.min(...this.#tracks.map((track) => track.known)) + 1
    this.#gatheredFrom = this.#position
    this.#setAsideUpto = Math.max(...positions.map(countedUpto))
  }

  /** The offset that is read next; what lies below may still be on its way to Redis. */
  get position(): number {
    return this.#position
  }

  /** A batch is being handled, or gathered, or waits for an engine that does not answer. */
  get isBusy(): boolean {
    return this.#isReading || this.#tracks.some(({ isBehind }) => isBehind)
  }

  passOver(next: number): void {
    this.#position = next
  }

  /**
   * Reads a batch and sends it off; resolves when what was sent before is in Redis, so that the next one is fetched and read
   * while this one is applied. Where there is a backlog it is sent with the ones after it, and waits for nothing until then.
   * What became of this one is the answer for a later one, or of `mark`. A slice that can no longer be brought there, because
   * the partition is lost, is a reason to open it anew: nothing goes behind it.
   *
   * Throws where the batch needs what cannot be had now, a schema or a new meter. What was read of it is in Redis then: the
   * next try sends what is left.
   */
  async handle(batch: RecordBatch): Promise<SendOutcome> {
    this.#isReading = true
    this.#heartbeat = batch.heartbeat
    try {
      const traced = this.#deps.trace?.(batch.messages, this.partition)
      const refused: Refused[] = []
      for (let from = 0; from < batch.messages.length; from += READ_AT_ONCE) {
        const messages = batch.messages.slice(from, from + READ_AT_ONCE)
        await this.#deps.reading.take(messages.length)
        await this.#deps.prepare(messages)
        const read = await this.#deps.reader.read(messages)
        await this.#setAside(read.refused, batch)
        refused.push(...read.refused)
        for (const event of read.events) this.#take(event, batch)
      }
      this.#position = batch.next
      this.#at = Number(batch.messages.at(-1)?.timestamp ?? this.#at)
      this.#ends.push(() => traced?.end(new Map(refused.map(({ message, code }) => [message.offset, code]))))
      if (batch.behind >= BACKLOG && !this.#hasGatheredEnough()) return 'done'
      const before = this.#flight
      this.#flush()
      return await before
    } catch (error) {
      this.#sendRead(batch)
      await this.#tails()
      throw error
    } finally {
      this.#isReading = false
    }
  }

  /** By records, and by full slices: few records may be heavy, and what was sent is in memory until it is in Redis. */
  #hasGatheredEnough(): boolean {
    const { length } = this.#tracks
    return this.#position - this.#gatheredFrom >= GATHERED_EACH * length || this.#full >= length
  }

  /** Sends what was read up to now, while a batch is read. */
  #sendRead(batch: RecordBatch): void {
    const before = { upto: this.#position - 1, at: this.#at }
    for (const track of this.#tracks) {
      const last = track.lastGathered ?? -1
      track.send(last <= before.upto ? before : timeUpTo(batch, last), batch.heartbeat)
    }
  }

  /** Sends what was gathered where nothing followed it since the last call: what is fetched next may be long in coming. */
  sendIdle(): void {
    const isIdle = !this.#isReading && this.#position === this.#idleAt
    if (isIdle && this.#gatheredFrom < this.#position) this.#flush()
    this.#idleAt = this.#position
  }

  /** Sends what was gathered; resolves when all that was read is in Redis, or cannot be brought there any more. */
  async settle(): Promise<void> {
    if (!this.#isReading) this.#flush()
    await this.#flight
  }

  /** Sends all that was read: each slice covers the log up to the position. */
  #flush(): void {
    const covered = { upto: this.#position - 1, at: this.#at }
    for (const track of this.#tracks) track.send(covered, this.#heartbeat)
    const ends = this.#ends
    this.#ends = []
    this.#full = 0
    this.#gatheredFrom = this.#position
    this.#flight = this.#land(covered, ends)
  }

  /** What becomes of all slices that were sent up to now. */
  async #land(landed: Coverage, ends: readonly (() => void)[]): Promise<SendOutcome> {
    if ((await this.#tails()).includes('reopen')) return 'reopen'
    this.#landed = landed
    for (const end of ends) end()
    return 'done'
  }

  /**
   * Tells every shard that this partition is covered up to the position, also where nothing moved, so that an
   * idle shard's regression is seen; at the verified end it also says when that was. During a batch it goes up to the last one
   * that is in Redis: a log that never ends must not leave the shards behind of which it holds nothing.
   */
  async mark(verified: VerifiedEnd | null): Promise<SendOutcome> {
    if (this.isBusy) return this.#markBusy()
    // As it is now: what is read meanwhile is covered by its own slices.
    const covered = { upto: this.#position - 1, at: this.#at }
    const times = verified !== null && this.#position >= verified.end ? verified.times : []
    // All slices: those that were full, and those of a batch that could not be read, belong to no flight.
    if ((await this.#tails()).includes('reopen')) return 'reopen'
    const outcomes = await Promise.all(
      this.#tracks.map((track) => track.mark({ ...covered, seen: times[track.keys.shard] ?? null })),
    )
    return outcomes.includes('reopen') ? 'reopen' : 'done'
  }

  /** What became of all slices that were sent up to now, shard by shard. */
  #tails(): Promise<readonly SendOutcome[]> {
    return Promise.all(this.#tracks.map(({ tail }) => tail))
  }

  /** What is wrong is found by the slices under way, or by the next mark. */
  async #markBusy(): Promise<'done'> {
    if (this.#landed === null) return 'done'
    const { upto, at } = this.#landed
    const behind = this.#tracks.filter(({ known }) => known < upto)
    await Promise.all(behind.map((track) => track.mark({ upto, at, seen: null })))
    return 'done'
  }

  /**
   * Sets records aside that were not before: no shard covers an offset whose letter Kafka does not have. What was read before
   * them does not wait for that.
   */
  async #setAside(refused: readonly Refused[], batch: RecordBatch): Promise<void> {
    const { heartbeat } = batch
    const fresh = refused.filter(({ message }) => Number(message.offset) > this.#setAsideUpto)
    if (fresh.length > 0) this.#sendRead(batch)
    const send = (letter: Refused): Promise<void> => {
      const call = (): Promise<void> => this.#deps.deadLetter(letter, this.partition)
      return this.#deps.retry('dead letter', call, heartbeat)
    }
    await Promise.all(fresh.map(send))
    this.#setAsideUpto = Math.max(this.#setAsideUpto, Number(fresh.at(-1)?.message.offset ?? -1))
    if (fresh.length > 0) await heartbeat()
  }

  /** Puts an event into its shard's slice; one that is full goes to Redis at once, behind the one before it. */
  #take(event: SliceEvent, batch: RecordBatch): void {
    const track = this.#tracks[shardOf(event.workspace, this.#tracks.length)]
    if (track === undefined) throw new RangeError(`no shard for ${event.workspace}`)
    if (!track.gather(event)) return
    track.send(timeUpTo(batch, event.offset), batch.heartbeat)
    this.#full += 1
  }
}

/** An offset of a batch with Kafka's time of it, ms: so far a slice that ends there covers the log. */
function timeUpTo({ messages }: RecordBatch, upto: number): Coverage {
  const own = messages.findLast((message) => Number(message.offset) <= upto)
  return { upto, at: Number(own?.timestamp ?? 0) }
}
