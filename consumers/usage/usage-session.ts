import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PartitionSession, RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import type { Refused, UsageReader } from '#drivers/kafka/usage-reader.ts'
import { type ApplyReply, apply, type SliceEvent } from '#drivers/redis/apply.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { SliceBuilder } from '#drivers/redis/pack-slice.ts'
import type { BatchTrace } from '#drivers/traces.ts'
import type { Turnstile } from '#drivers/turnstile.ts'
import { countedUpto, type ShardPosition } from './shard-state.ts'

/** What a call was about. */
export interface AppliedCall {
  readonly partition: number
  /** How many events it carried. */
  readonly events: number
  /** Those of them that state the product's own count. */
  readonly stated: readonly SliceEvent[]
  /** Kafka's append time of the batch's last record, ms. */
  readonly at: number
}

/** What every session of a process shares. */
export interface SessionDeps {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly reader: UsageReader
  /** Makes the decoder know all schema ids of some records; throws while the registry says nothing. */
  readonly prepare: (messages: RecordBatch['messages']) => Promise<void>
  /** Acknowledged by Kafka when it resolves. */
  readonly deadLetter: (refused: Refused, partition: number) => Promise<void>
  /** Makes the same call until it succeeds; throws when the partition was lost. */
  readonly retry: <Value>(
    what: string,
    call: () => Promise<Value>,
    between: () => Promise<void>,
  ) => Promise<Value>
  /** A shard answered that its life ended: `INC`. */
  readonly onLostShard: (shard: number) => Promise<void>
  readonly onApplied: (reply: ApplyReply, call: AppliedCall) => void
  /** Follows the records of a batch that are traced; left out where nothing is. */
  readonly trace?: (messages: RecordBatch['messages'], partition: number) => BatchTrace
  readonly nonce: () => string
  /** Shared by all sessions: how many events may stand before others' calls in Redis. */
  readonly turnstile: Turnstile
}

interface Track {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly hasThresholds: boolean
  /** When what it covered to begin with was appended, ms: time never goes back. */
  readonly knownAt: number
  /** Last offset this session knows the shard to cover. */
  known: number
  /** What became of the slices that were sent, each behind the one before it. */
  tail: Promise<'done' | 'reopen'>
}

/** A batch that is being read, and what the next slice of each shard will hold. */
interface Taking {
  readonly builders: Map<Track, SliceBuilder>
  readonly batch: RecordBatch
}

interface Sending {
  readonly batch: RecordBatch
  readonly upto: number
}

interface Call {
  readonly upto: number
  readonly at: number
  readonly seen: number | null
  readonly builder: SliceBuilder
}

/** What a call costs Redis beside its events, in events. */
export const CALL_WEIGHT = 15

/** Records that are decoded in one go: what is full after them goes to Redis while the next ones are decoded. */
const READ_AT_ONCE = 1_000

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
  readonly #tracks: readonly Track[]
  #position: number
  #at = 0
  /** What was refused up to here is on `dead.letters`. */
  #setAsideUpto: number
  #isReading = false
  /** Batches whose slices are under way. */
  #underWay = 0
  /** Where the last batch ends that is in every shard, and when its last record was appended. */
  #landed: { readonly next: number; readonly at: number } | null = null
  /** What became of the last batch that was read. */
  #flight: Promise<'done' | 'reopen'> = Promise.resolve('done')

  constructor(deps: SessionDeps, partition: number, positions: readonly ShardPosition[]) {
    this.#deps = deps
    this.partition = partition
    this.#tracks = deps.shards.map((keys, shard) => ({
      keys,
      incarnation: positions[shard]?.incarnation ?? '',
      known: positions[shard]?.watermark ?? -1,
      knownAt: positions[shard]?.at ?? 0,
      hasThresholds: positions[shard]?.hasThresholds ?? false,
      tail: Promise.resolve('done'),
    }))
    this.#position = Math.min(...this.#tracks.map((track) => track.known)) + 1
    this.#setAsideUpto = Math.max(...positions.map(countedUpto))
  }

  /** The offset that is read next; what lies below may still be on its way to Redis. */
  get position(): number {
    return this.#position
  }

  /** A batch is being handled, or waits for an engine that does not answer. */
  get isBusy(): boolean {
    return this.#isReading || this.#underWay > 0
  }

  passOver(next: number): void {
    this.#position = next
  }

  /**
   * Reads a batch and sends it off; resolves when the batch before it is in Redis, so that the next one is fetched and read
   * while this one is applied. What became of this one is the answer for the next, or of `mark`. A slice that can no longer
   * be brought there, because the partition is lost, is a reason to open it anew: nothing goes behind it.
   *
   * Throws where the batch needs what cannot be had now, a schema or a new meter. What was sent of it is in Redis then: the
   * next try sends what is left.
   */
  async handle(batch: RecordBatch): Promise<'done' | 'reopen'> {
    this.#isReading = true
    try {
      const traced = this.#deps.trace?.(batch.messages, this.partition)
      const at = Number(batch.messages.at(-1)?.timestamp ?? this.#at)
      const builders = new Map<Track, SliceBuilder>()
      const refused: Refused[] = []
      for (let from = 0; from < batch.messages.length; from += READ_AT_ONCE) {
        const messages = batch.messages.slice(from, from + READ_AT_ONCE)
        await this.#deps.prepare(messages)
        const read = await this.#deps.reader.read(messages)
        await this.#setAside(read.refused, batch)
        refused.push(...read.refused)
        for (const event of read.events) this.#take(event, { builders, batch })
        if (from + READ_AT_ONCE < batch.messages.length) await nextTurn()
      }
      for (const [track, builder] of builders) this.#send(track, builder, { batch, upto: batch.next - 1 })
      const before = this.#flight
      this.#flight = this.#land({ next: batch.next, at }, () =>
        traced?.end(new Map(refused.map(({ message, code }) => [message.offset, code]))),
      )
      this.#position = batch.next
      this.#at = at
      return await before
    } catch (error) {
      await Promise.all(this.#tracks.map(({ tail }) => tail))
      throw error
    } finally {
      this.#isReading = false
    }
  }

  /** Waits until all that was read is in Redis, or cannot be brought there any more. */
  async settle(): Promise<void> {
    await this.#flight
  }

  /** What becomes of all slices that were sent up to now. */
  async #land(
    landed: { readonly next: number; readonly at: number },
    onDone: () => void,
  ): Promise<'done' | 'reopen'> {
    this.#underWay += 1
    const outcomes = await Promise.all(this.#tracks.map(({ tail }) => tail))
    this.#underWay -= 1
    if (outcomes.includes('reopen')) return 'reopen'
    this.#landed = landed
    onDone()
    return 'done'
  }

  /**
   * Tells every shard that this partition is covered up to the position, also where nothing moved, so that an
   * idle shard's regression is seen; at the verified end it also says when that was. During a batch it goes up to the last one
   * that is in Redis: a log that never ends must not leave the shards behind of which it holds nothing.
   */
  async mark(verified: VerifiedEnd | null): Promise<'done' | 'reopen'> {
    if (this.isBusy) return this.#markLanded()
    if ((await this.#flight) === 'reopen') return 'reopen'
    const times = verified !== null && this.#position >= verified.end ? verified.times : []
    const upto = this.#position - 1
    const outcomes = await Promise.all(
      this.#tracks.map((track) => {
        const seen = times[track.keys.shard] ?? null
        return this.#call(track, { upto, at: this.#at, seen, builder: new SliceBuilder(track) })
      }),
    )
    return outcomes.includes('reopen') ? 'reopen' : 'done'
  }

  /** What is wrong is found by the slices under way, or by the next mark. */
  async #markLanded(): Promise<'done'> {
    if (this.#landed === null) return 'done'
    const { next, at } = this.#landed
    const behind = this.#tracks.filter(({ known }) => known < next - 1)
    const head = { upto: next - 1, at, seen: null }
    await Promise.all(behind.map((track) => this.#call(track, { ...head, builder: new SliceBuilder(track) })))
    return 'done'
  }

  /** Sets records aside that were not before: no shard covers an offset whose letter Kafka does not have. */
  async #setAside(refused: readonly Refused[], { heartbeat }: RecordBatch): Promise<void> {
    const fresh = refused.filter(({ message }) => Number(message.offset) > this.#setAsideUpto)
    const send = (letter: Refused): Promise<void> => {
      const call = (): Promise<void> => this.#deps.deadLetter(letter, this.partition)
      return this.#deps.retry('dead letter', call, heartbeat)
    }
    await Promise.all(fresh.map(send))
    this.#setAsideUpto = Math.max(this.#setAsideUpto, Number(fresh.at(-1)?.message.offset ?? -1))
    if (fresh.length > 0) await heartbeat()
  }

  /** Puts an event into its shard's slice; one that is full goes to Redis at once, behind the one before it. */
  #take(event: SliceEvent, { builders, batch }: Taking): void {
    const track = this.#tracks[shardOf(event.workspace, this.#tracks.length)]
    if (track === undefined) throw new RangeError(`no shard for ${event.workspace}`)
    if (event.offset <= track.known) return
    let builder = builders.get(track)
    if (builder?.isFull) this.#send(track, builder, { batch, upto: builder.last })
    if (builder === undefined || builder.isFull) {
      builder = new SliceBuilder(track)
      builders.set(track, builder)
    }
    builder.add(event)
  }

  /** Sends a slice once the one before it is done; the last one of a batch covers it to its end. */
  #send(track: Track, builder: SliceBuilder, { batch, upto }: Sending): void {
    const { heartbeat } = batch
    const at = timeUpTo(batch, upto)
    const call = (): Promise<'done' | 'reopen'> => this.#call(track, { upto, at, seen: null, builder })
    const sent = track.tail.then(async (before) => {
      if (before === 'reopen') return 'reopen'
      const outcome = await this.#deps.retry('apply', call, heartbeat)
      await heartbeat()
      return outcome
    })
    track.tail = sent.catch(() => 'reopen')
  }

  async #call(track: Track, { upto, at, seen, builder }: Call): Promise<'done' | 'reopen'> {
    const { redis, turnstile, nonce } = this.#deps
    const { keys, knownAt } = track
    const covered = { upto, at: Math.max(at, knownAt), seen }
    const head = { ...track, partition: this.partition, ...covered, nonce: nonce() }
    const weight = CALL_WEIGHT + builder.weight
    const reply = await turnstile.pass(weight, () => apply(redis, builder.pack(head)))
    const { size: events, stated } = builder
    this.#deps.onApplied(reply, { partition: this.partition, events, stated, at })
    switch (reply.outcome) {
      case 'OK':
      case 'OLD':
        track.known = Math.max(track.known, upto)
        return 'done'
      case 'REGRESSED':
        return 'reopen'
      case 'INC':
        await this.#deps.onLostShard(keys.shard)
        return 'reopen'
    }
  }
}

/** Until when a batch was appended up to an offset, by Kafka's time, ms: so far a slice that ends there covers the log. */
function timeUpTo({ messages }: RecordBatch, offset: number): number {
  const own = messages.findLast((message) => Number(message.offset) <= offset)
  return Number(own?.timestamp ?? 0)
}
