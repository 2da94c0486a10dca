import { Packr } from 'msgpackr'
import { type Day, dayOf } from '#core/instant.ts'
import type { ReservationReference } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { SLICE_MAX, type Slice, type SliceEvent, type SliceHead } from './apply.ts'
import { ChangeKinds } from './change-kinds.ts'
import type { ShardKeys } from './keys.ts'

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

/** What one workspace of a slice does: offset, append time, number of changes, and the changes of each of its events. */
interface Doings {
  readonly stream: unknown[]
  events: number
}

/** Ids that go into one set, and the offsets of their events. */
interface IdSet {
  readonly key: string
  readonly ids: string[]
  readonly owners: number[]
}

/**
 * Takes events in, one by one and in order, and lays them out as `lua/apply.lua` reads them.
 *
 * The arrays are few and flat, because each of them, and each key, costs Redis more than a number. Events stand
 * workspace by workspace, which changes nothing: those of one workspace keep their order, and none touches another's
 * counters. Events are
 * not kept: of a long batch there is never more in memory than what goes to Redis.
 */
export class SliceBuilder {
  readonly #keys: ShardKeys
  readonly #hasThresholds: boolean
  readonly #byWorkspace = new Map<string, Doings>()
  readonly #byDay = new Map<Day, Map<number, IdSet>>()
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

  constructor({ keys, hasThresholds }: Pick<SliceHead, 'keys' | 'hasThresholds'>) {
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
    return this.#size >= SLICE_MAX || this.#weight >= 2 * SLICE_MAX
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
    const doings = this.#doingsOf(workspace)
    doings.events += 1
    doings.stream.push(number, appendedAt - this.#from.at, changes.length)
    this.#kinds.write(event, { keys: this.#keys, stream: doings.stream })
    if (!event.isVoid) this.#addId(number, event)
    if (changes.some(isStated)) this.#stated.push(event)
    if (reservation !== null) this.#reservations.push([number, this.#reservationOf(event, reservation)])
  }

  /** Keys and arguments of the call; without events it is a mark. */
  pack({ keys, incarnation, partition, known, upto, at, seen, nonce }: SliceHead): PackedSlice {
    const args = [incarnation, partition, known, upto, at, seen ?? '', nonce]
    const fixed = [keys.meta, keys.buckets, keys.dirty, keys.judge]
    if (this.#size === 0) return { keys: fixed, args: [...args, ''] }
    const workspaces = [...this.#byWorkspace.keys()]
    const thresholds = this.#hasThresholds
      ? workspaces.map((workspace) => this.#otherOf(keys.thresholds(workspace)))
      : []
    const sets = [...this.#byDay.values()].flatMap((ofDay) => [...ofDay.values()])
    const usage = workspaces.map((workspace) => keys.usage(workspace))
    const before = fixed.length + usage.length + sets.length
    const doings = [...this.#byWorkspace.values()]
    const arrays = [
      workspaces,
      doings.map(({ events }) => events),
      doings.flatMap(({ stream }) => stream),
      this.#kinds.list(before),
      sets.map(({ ids }) => ids.length),
      sets.flatMap(({ ids }) => ids),
      sets.flatMap(({ owners }) => owners),
      [...this.#byDay.keys()],
      thresholds.map((place) => place + before),
      this.#reservations.flatMap(([number, [o = 0, a = 0, due = 0, ...rest]]) => [
        number,
        [...[o, a, due].map((place) => Number(place) + before), ...rest],
      ]),
      this.#from.offset,
      this.#from.at,
    ]
    const names = [...fixed, ...usage, ...sets.map(({ key }) => key), ...this.#others.keys()]
    return { keys: names, args: [...args, packr.pack(arrays)] }
  }

  #doingsOf(workspace: string): Doings {
    const known = this.#byWorkspace.get(workspace)
    if (known !== undefined) return known
    const doings: Doings = { stream: [], events: 0 }
    this.#byWorkspace.set(workspace, doings)
    return doings
  }

  #addId(number: number, { occurredAt, dedupe: { member, subShard } }: SliceEvent): void {
    const day = dayOf(occurredAt)
    const ofDay = this.#byDay.get(day) ?? new Map<number, IdSet>()
    if (ofDay.size === 0) this.#byDay.set(day, ofDay)
    const known = ofDay.get(subShard)
    const set = known ?? { key: this.#keys.dedupe(day, subShard), ids: [], owners: [] }
    if (known === undefined) ofDay.set(subShard, set)
    set.ids.push(member)
    set.owners.push(number)
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
