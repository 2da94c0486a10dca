import { type ApplyReply, apply, type SliceEvent } from '#drivers/redis/apply.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { SliceBuilder } from '#drivers/redis/pack-slice.ts'
import type { Turnstile } from '#drivers/turnstile.ts'
import type { ShardPosition } from './shard-state.ts'

/** What became of something that was sent to a shard: it is covered, or the partition has to be opened anew. */
export type SendOutcome = 'done' | 'reopen'

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

/** What every shard of every partition of a process shares. */
export interface TrackDeps {
  readonly redis: Redis
  /** Makes the same call until it succeeds; throws when the partition was lost. */
  readonly retry: <Value>(
    what: string,
    call: () => Promise<Value>,
    between: () => Promise<void>,
  ) => Promise<Value>
  /** A shard answered that its life ended: `INC`. */
  readonly onLostShard: (shard: number) => Promise<void>
  readonly onApplied: (reply: ApplyReply, call: AppliedCall) => void
  readonly nonce: () => string
  /** Events that fill a slice; `SLICE_MAX` when left out. */
  readonly sliceMax?: number
  /** Shared by all sessions: how many events may stand before others' calls in Redis. */
  readonly turnstile: Turnstile
}

/** Up to where a slice covers the log, and when that was appended, ms. */
export interface Coverage {
  readonly upto: number
  readonly at: number
}

/** What a call costs Redis beside its events, in events. */
export const CALL_WEIGHT = 15

/**
 * One shard while this process owns a partition: how far it covers the log, what was read for it, and what is on its way.
 *
 * Slices go one behind the other: nothing goes behind one that could not be brought there.
 */
export class ShardTrack {
  readonly keys: ShardKeys
  readonly #deps: TrackDeps
  readonly #partition: number
  readonly #incarnation: string
  readonly #hasThresholds: boolean
  /** When what it covered to begin with was appended, ms: time never goes back. */
  readonly #knownAt: number
  #known: number
  #gathered: SliceBuilder | null = null
  #tail: Promise<SendOutcome> = Promise.resolve('done')
  /** Slices that were sent and have not come to an end. */
  #underWay = 0

  constructor(deps: TrackDeps, keys: ShardKeys, { partition, position }: TrackStart) {
    this.keys = keys
    this.#deps = deps
    this.#partition = partition
    this.#incarnation = position?.incarnation ?? ''
    this.#hasThresholds = position?.hasThresholds ?? false
    this.#knownAt = position?.at ?? 0
    this.#known = position?.watermark ?? -1
  }

  /** Last offset that it is known to cover. */
  get known(): number {
    return this.#known
  }

  /** Offset of the last event that was read for it and not sent; null without any. */
  get lastGathered(): number | null {
    return this.#gathered?.last ?? null
  }

  /** Something that was read is not in Redis yet. */
  get isBehind(): boolean {
    return this.#gathered !== null || this.#underWay > 0
  }

  /** What became of all slices that were sent up to now. */
  get tail(): Promise<SendOutcome> {
    return this.#tail
  }

  /** Takes in the next event; whether there are as many now as one slice may hold. */
  gather(event: SliceEvent): boolean {
    if (event.offset <= this.#known) return false
    const shard = { keys: this.keys, hasThresholds: this.#hasThresholds }
    this.#gathered ??= new SliceBuilder(shard, this.#deps.sliceMax)
    this.#gathered.add(event)
    return this.#gathered.isFull
  }

  /** Sends what was gathered, once the slice before it is done. */
  send(covered: Coverage, heartbeat: () => Promise<void>): void {
    const builder = this.#gathered
    if (builder === null) return
    this.#gathered = null
    const call = (): Promise<SendOutcome> => this.#call(builder, { ...covered, seen: null })
    const sent = this.#tail.then(async (before) => {
      if (before === 'reopen') return 'reopen'
      const outcome = await this.#deps.retry('apply', call, heartbeat)
      await heartbeat()
      return outcome
    })
    this.#underWay += 1
    this.#tail = sent
      .catch((): SendOutcome => 'reopen')
      .finally(() => {
        this.#underWay -= 1
      })
  }

  /** Says that the log is covered up to an offset, where nothing is on its way below it. `seen`: `SliceHead`. */
  mark(covered: Coverage & { readonly seen: number | null }): Promise<SendOutcome> {
    const nothing = new SliceBuilder({ keys: this.keys, hasThresholds: this.#hasThresholds })
    return this.#call(nothing, covered)
  }

  async #call(
    builder: SliceBuilder,
    { upto, at, seen }: Coverage & { readonly seen: number | null },
  ): Promise<SendOutcome> {
    const { redis, turnstile, nonce, onApplied, onLostShard } = this.#deps
    const [keys, partition] = [this.keys, this.#partition]
    const life = { incarnation: this.#incarnation, hasThresholds: this.#hasThresholds, known: this.#known }
    const covered = { upto, at: Math.max(at, this.#knownAt), seen }
    const head = { keys, partition, ...life, ...covered, nonce: nonce() }
    const weight = CALL_WEIGHT + builder.weight
    const reply = await turnstile.pass(weight, () => apply(redis, builder.pack(head)))
    const { size: events, stated } = builder
    onApplied(reply, { partition, events, stated, at })
    switch (reply.outcome) {
      case 'OK':
      case 'OLD':
        this.#known = Math.max(this.#known, upto)
        return 'done'
      case 'REGRESSED':
        return 'reopen'
      case 'INC':
        await onLostShard(keys.shard)
        return 'reopen'
    }
  }
}

interface TrackStart {
  readonly partition: number
  /** Where Redis says that the shard stands. */
  readonly position: ShardPosition | undefined
}
