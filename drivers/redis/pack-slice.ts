import { Packr } from 'msgpackr'
import { type Day, dayOf } from '#core/instant.ts'
import type { ReservationReference } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { SLICE_MAX, type Slice, type SliceEvent, type SliceHead } from './apply.ts'
import { ChangeKinds } from './change-kinds.ts'
import { groupItems, groupRuns } from './group-items.ts'
import { DEDUPE_SUB_SHARDS, type ShardKeys } from './keys.ts'

/** A slice as the script's keys and arguments. */
export interface PackedSlice {
  readonly keys: readonly string[]
  readonly args: ReadonlyArray<string | number | Buffer>
}

/** Lays a whole slice out as the script's keys and arguments. */
export function packSlice({ events, ...head }: Slice): PackedSlice {
  const builder = new SliceBuilder(head)
  for (const event of events) builder.add(event)
  return builder.pack(head)
}

/** Members of a list, or changes beside the first, that cost Redis what an event does. */
const MORE_AS_ONE = 4

const packr = new Packr({ useRecords: false, int64AsType: 'number' })

/**
 * Takes events in, one by one and in order, and lays them out as `lua/apply.lua` reads them.
 *
 * The arrays are few and flat, because each of them, and each key, costs Redis more than a number. Events stand
 * workspace by workspace, which changes nothing: those of one workspace keep their order, and none touches another's
 * counters. Events are
 * not kept: of a long batch there is never more in memory than what goes to Redis, and that in few arrays, too: thousands
 * of small ones, which live until the slice is full, cost the collector of garbage more than all else here.
 */
export class SliceBuilder {
  readonly #keys: ShardKeys
  readonly #hasThresholds: boolean
  /** Number of each workspace, from 0. */
  readonly #workspaces = new Map<string, number>()
  /** Events of each workspace, and how much of the stream is about them. */
  readonly #events: number[] = []
  readonly #lengths: number[] = []
  /** Of each event its offset, append time, number of changes and changes, as they come; where that ends, and its workspace. */
  readonly #stream: unknown[] = []
  readonly #ends: number[] = []
  readonly #owners: number[] = []
  /** Of each day the number of each sub-shard's set, from 1; 0 = none yet. */
  readonly #setsOfDay = new Map<Day, Uint32Array>()
  readonly #sets: string[] = []
  /** Ids of each set. */
  readonly #sizes: number[] = []
  /** The ids as they come, the events that have them, and the sets they go into. */
  readonly #ids: string[] = []
  readonly #idEvents: number[] = []
  readonly #idSets: number[] = []
  /** Keys that are neither usage hash nor id set, by their place among themselves. */
  readonly #others = new Map<string, number>()
  readonly #kinds = new ChangeKinds((key) => this.#otherOf(key))
  readonly #reservations: [number, readonly unknown[]][] = []
  readonly #stated: SliceEvent[] = []
  /** Offset and append time of the first event; those of the others are told as what they differ by. */
  #from = { offset: 0, at: 0 }
  #size = 0
  #weight = 0
  #last = -1

  readonly #most: number

  /** `most`: events that it may hold. */
  constructor({ keys, hasThresholds }: Pick<SliceHead, 'keys' | 'hasThresholds'>, most = SLICE_MAX) {
    this.#most = most
    this.#keys = keys
    this.#hasThresholds = hasThresholds
  }

  /** Number of events. */
  get size(): number {
    return this.#size
  }

  /** What applying it costs Redis, in events. */
  get weight(): number {
    return this.#weight
  }

  /** Whether it holds as much as one call may. */
  get isFull(): boolean {
    return this.#size >= this.#most || this.#weight >= 2 * SLICE_MAX
  }

  /** Offset of the last event, −1 without any. */
  get last(): number {
    return this.#last
  }

  /** Events that state the product's own count: what drifted is told by their offsets. */
  get stated(): readonly SliceEvent[] {
    return this.#stated
  }

  /** Takes in the next event of the partition. */
  add(event: SliceEvent): void {
    const { offset, workspace, appendedAt, changes, reservation } = event
    if (this.#size === 0) this.#from = { offset, at: appendedAt }
    this.#size += 1
    this.#weight += 1
    if (changes.length > 1) this.#weight += (changes.length - 1) / MORE_AS_ONE
    for (const change of changes)
      if (change.kind === 'members') this.#weight += change.subjects.length / MORE_AS_ONE
    this.#last = offset
    const number = offset - this.#from.offset
    const owner = this.#numberOf(workspace)
    const before = this.#stream.length
    this.#stream.push(number, appendedAt - this.#from.at, changes.length)
    this.#kinds.write(event, { keys: this.#keys, stream: this.#stream })
    this.#events[owner] = (this.#events[owner] ?? 0) + 1
    this.#lengths[owner] = (this.#lengths[owner] ?? 0) + this.#stream.length - before
    this.#ends.push(this.#stream.length)
    this.#owners.push(owner)
    if (!event.isVoid) this.#addId(number, event)
    if (changes.some(isStated)) this.#stated.push(event)
    if (reservation !== null) this.#reservations.push([number, this.#reservationOf(event, reservation)])
  }

  /** Keys and arguments of the call; without events it is a mark. */
  pack({ keys, incarnation, partition, known, upto, at, seen, nonce }: SliceHead): PackedSlice {
    const args = [incarnation, partition, known, upto, at, seen ?? '', nonce]
    const fixed = [keys.meta, keys.buckets, keys.dirty, keys.judge]
    if (this.#size === 0) return { keys: fixed, args: [...args, ''] }
    const workspaces = [...this.#workspaces.keys()]
    const thresholds = this.#hasThresholds
      ? workspaces.map((workspace) => this.#otherOf(keys.thresholds(workspace)))
      : []
    const usage = workspaces.map((workspace) => keys.usage(workspace))
    const before = fixed.length + usage.length + this.#sets.length
    const arrays = [
      workspaces,
      this.#events,
      groupRuns({ items: this.#stream, ends: this.#ends, groups: this.#owners }, this.#lengths),
      this.#kinds.list(before),
      this.#sizes,
      groupItems(this.#ids, this.#idSets, this.#sizes),
      groupItems(this.#idEvents, this.#idSets, this.#sizes),
      [...this.#setsOfDay.keys()],
      thresholds.map((place) => place + before),
      this.#reservations.flatMap(([number, [o = 0, a = 0, due = 0, ...rest]]) => [
        number,
        [...[o, a, due].map((place) => Number(place) + before), ...rest],
      ]),
      this.#from.offset,
      this.#from.at,
    ]
    const names = [...fixed, ...usage, ...this.#sets, ...this.#others.keys()]
    return { keys: names, args: [...args, packr.pack(arrays)] }
  }

  #numberOf(workspace: string): number {
    const known = this.#workspaces.get(workspace)
    if (known !== undefined) return known
    const number = this.#workspaces.size
    this.#workspaces.set(workspace, number)
    return number
  }

  #addId(number: number, { occurredAt, dedupe: { member, subShard } }: SliceEvent): void {
    const set = this.#setOf(dayOf(occurredAt), subShard)
    this.#sizes[set] = (this.#sizes[set] ?? 0) + 1
    this.#ids.push(member)
    this.#idEvents.push(number)
    this.#idSets.push(set)
  }

  #setOf(day: Day, subShard: number): number {
    const ofDay = this.#setsOfDay.get(day) ?? new Uint32Array(DEDUPE_SUB_SHARDS)
    const known = ofDay[subShard] ?? 0
    if (known > 0) return known - 1
    this.#setsOfDay.set(day, ofDay)
    ofDay[subShard] = this.#sets.push(this.#keys.dedupe(day, subShard))
    return this.#sets.length - 1
  }

  /** Place of a key among those that are neither usage hash nor id set, from 1. */
  #otherOf(key: string): number {
    const known = this.#others.get(key)
    if (known !== undefined) return known
    const place = this.#others.size + 1
    this.#others.set(key, place)
    return place
  }

  /** A reservation in the words of `lua/settle.lua`: three places come first. */
  #reservationOf(
    { workspace, changes }: SliceEvent,
    { operation, item }: ReservationReference,
  ): readonly unknown[] {
    const keys = this.#keys
    return [
      this.#otherOf(keys.holds(workspace)),
      this.#otherOf(keys.operation(workspace, operation)),
      this.#otherOf(keys.due),
      `${workspace}/${operation}`,
      operation,
      item ?? '',
      [...new Set(changes.map(({ meter }) => meter))],
    ]
  }
}

function isStated(change: CounterChange): boolean {
  return (change.kind === 'set' || change.kind === 'members') && change.isStated === true
}
