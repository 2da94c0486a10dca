import type { PartitionSession, RecordBatch } from '#drivers/kafka/consumer-loop.ts'
import type { Refused, UsageReader } from '#drivers/kafka/usage-reader.ts'
import { type ApplyReply, apply, packSlice, SLICE_MAX, type SliceEvent } from '#drivers/redis/apply.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import type { BatchTrace } from '#drivers/traces.ts'
import type { Turnstile } from '#drivers/turnstile.ts'
import type { ShardPosition } from './shard-state.ts'

/** What a call was about. */
export interface AppliedCall {
  readonly partition: number
  readonly events: readonly SliceEvent[]
  /** Kafka's append time of the batch's last record, ms. */
  readonly at: number
}

/** What every session of a process shares. */
export interface SessionDeps {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly reader: UsageReader
  /** Makes the decoder know all schema ids of a batch; retries while the registry is away. */
  readonly prepare: (batch: RecordBatch) => Promise<void>
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
  /** Shared by all sessions: how many calls may stand before others' in Redis. */
  readonly turnstile: Turnstile
}

interface Track {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly hasThresholds: boolean
  /** Last offset this session knows the shard to cover. */
  known: number
}

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
  #busy = false

  constructor(deps: SessionDeps, partition: number, positions: readonly ShardPosition[]) {
    this.#deps = deps
    this.partition = partition
    this.#tracks = deps.shards.map((keys, shard) => ({
      keys,
      incarnation: positions[shard]?.incarnation ?? '',
      known: positions[shard]?.watermark ?? -1,
      hasThresholds: positions[shard]?.hasThresholds ?? false,
    }))
    this.#position = Math.min(...this.#tracks.map((track) => track.known)) + 1
  }

  get position(): number {
    return this.#position
  }

  /** A batch is being handled, or waits for an engine that does not answer. */
  get isBusy(): boolean {
    return this.#busy
  }

  passOver(next: number): void {
    this.#position = next
  }

  async handle(batch: RecordBatch): Promise<'done' | 'reopen'> {
    this.#busy = true
    try {
      const traced = this.#deps.trace?.(batch.messages, this.partition)
      await this.#deps.prepare(batch)
      const { events, refused } = await this.#deps.reader.read(batch.messages)
      for (const letter of refused) {
        await this.#deps.retry(
          'dead letter',
          () => this.#deps.deadLetter(letter, this.partition),
          batch.heartbeat,
        )
      }
      const at = Number(batch.messages.at(-1)?.timestamp ?? this.#at)
      const outcomes = await Promise.all(
        [...this.#byShard(events)].map(([shard, own]) => this.#applyShard(shard, { events: own, batch, at })),
      )
      if (outcomes.includes('reopen')) return 'reopen'
      this.#position = batch.next
      this.#at = at
      traced?.end(new Map(refused.map(({ message, code }) => [message.offset, code])))
      return 'done'
    } finally {
      this.#busy = false
    }
  }

  /**
   * Tells every shard that this partition is covered up to the position, also where nothing moved, so that an
   * idle shard's regression is seen; at the verified end it also says when that was. Skipped during a batch.
   */
  async mark(verified: VerifiedEnd | null): Promise<'done' | 'reopen'> {
    if (this.#busy) return 'done'
    const times = verified !== null && this.#position >= verified.end ? verified.times : []
    const upto = this.#position - 1
    const outcomes = await Promise.all(
      this.#tracks.map((track) => {
        const seen = times[track.keys.shard] ?? null
        return this.#call(track, { upto, at: this.#at, seen, events: [] })
      }),
    )
    return outcomes.includes('reopen') ? 'reopen' : 'done'
  }

  #byShard(events: readonly SliceEvent[]): Map<number, SliceEvent[]> {
    const byShard = new Map<number, SliceEvent[]>()
    for (const event of events) {
      const shard = shardOf(event.workspace, this.#tracks.length)
      const own = byShard.get(shard)
      if (own === undefined) byShard.set(shard, [event])
      else own.push(event)
    }
    return byShard
  }

  /** All events of one shard, in slices; the last one covers the batch to its end. */
  async #applyShard(
    shard: number,
    { events, batch, at }: { events: readonly SliceEvent[]; batch: RecordBatch; at: number },
  ): Promise<'done' | 'reopen'> {
    const track = this.#tracks[shard]
    if (track === undefined) throw new RangeError(`no shard ${shard}`)
    for (let from = 0; from < events.length; from += SLICE_MAX) {
      const slice = events.slice(from, from + SLICE_MAX)
      const isLast = from + SLICE_MAX >= events.length
      const upto = isLast ? batch.next - 1 : (slice.at(-1)?.offset ?? 0)
      const call = (): Promise<'done' | 'reopen'> =>
        this.#call(track, { upto, at, seen: null, events: slice })
      const outcome = await this.#deps.retry('apply', call, batch.heartbeat)
      if (outcome === 'reopen') return 'reopen'
      await batch.heartbeat()
    }
    return 'done'
  }

  async #call(
    track: Track,
    {
      upto,
      at,
      seen,
      events,
    }: { upto: number; at: number; seen: number | null; events: readonly SliceEvent[] },
  ): Promise<'done' | 'reopen'> {
    const { keys, incarnation, known, hasThresholds } = track
    const fresh =
      events[0] === undefined || events[0].offset > known ? events : events.filter((e) => e.offset > known)
    const slice = {
      keys,
      incarnation,
      partition: this.partition,
      known,
      upto,
      at,
      seen,
      nonce: this.#deps.nonce(),
      hasThresholds,
    }
    const { redis, turnstile } = this.#deps
    const reply = await turnstile.pass(() => apply(redis, packSlice({ ...slice, events: fresh })))
    this.#deps.onApplied(reply, { partition: this.partition, events: fresh, at })
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
