import { Packr } from 'msgpackr'
import type { Instant } from '#core/instant.ts'
import { dayOf } from '#core/instant.ts'
import { dayField, levelField } from '#core/usage/counter-fields.ts'
import type { ReservationReference } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import type { DedupeId } from './dedupe-id.ts'
import type { ShardKeys } from './keys.ts'
import { defineScript, listOf, type RawReply, wordOf } from './script.ts'

/** The most events in one call: a longer one would hold up the checks behind it (engines.md). */
export const SLICE_MAX = 200

/** One event of a slice, measured and ready to be applied. */
export interface SliceEvent {
  readonly offset: number
  /** The producer's id of it, for people; nothing rests on it. */
  readonly id?: string
  readonly workspace: string
  readonly occurredAt: Instant
  /** Append time by which it is judged: Kafka's, or a restated one. */
  readonly appendedAt: Instant
  readonly dedupe: DedupeId
  readonly changes: readonly CounterChange[]
  /** The hold that it settles, if it names one. */
  readonly reservation: ReservationReference | null
  /** It was set aside: it settles its hold, and never counts. */
  readonly isVoid: boolean
}

/** All events of one shard in `(known, upto]` of one partition. Without events it is a mark. */
export interface Slice {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly partition: number
  readonly known: number
  readonly upto: number
  /** Kafka's append time of `upto`, ms; 0 when not known. */
  readonly at: Instant
  /** Redis time taken before the partition was seen at its end, or null. */
  readonly seen: Instant | null
  readonly nonce: string
  /** Whether the shard keeps rebuild thresholds by workspace. */
  readonly hasThresholds: boolean
  readonly events: readonly SliceEvent[]
}

const outcomes = ['OK', 'OLD', 'REGRESSED', 'INC'] as const
export type ApplyOutcome = (typeof outcomes)[number]

/** Where the product's own count differed from ours; the product's is in force from then on. */
export interface Drift {
  readonly offset: number
  readonly meter: string
  readonly counted: number
  readonly stated: number
}

/** What became of a slice; `watermark` is null only for INC. */
export interface ApplyReply {
  readonly outcome: ApplyOutcome
  readonly watermark: number | null
  readonly counted: number
  readonly duplicates: number
  readonly drifts: readonly Drift[]
}

interface Packed {
  readonly keys: readonly string[]
  readonly args: ReadonlyArray<string | number | Buffer>
}

const packr = new Packr({ useRecords: false, int64AsType: 'number' })

/** `lua/apply.lua`: applies a slice once, behind the incarnation, contiguity and watermark fences. */
export const apply = defineScript({
  file: 'apply.lua',
  parts: ['open-holds.lua', 'settle.lua', 'counter-changes.lua'],
  keys: (packed: Packed) => packed.keys,
  args: (packed) => packed.args,
  reply: (raw): ApplyReply => {
    const [word, watermark, counted, duplicates, drifts] = listOf(raw, 'apply.lua')
    return {
      outcome: wordOf(word ?? null, outcomes, 'apply.lua'),
      watermark: watermark === undefined ? null : Number(watermark),
      counted: Number(counted ?? 0),
      duplicates: Number(duplicates ?? 0),
      drifts: Array.isArray(drifts) ? drifts.map(driftOf) : [],
    }
  },
})

function driftOf(raw: RawReply): Drift {
  const [offset, meter, counted, stated] = listOf(raw, 'apply.lua')
  return {
    offset: Number(offset),
    meter: String(meter),
    counted: Number(counted),
    stated: Number(stated),
  }
}

/** Lays a slice out as the script's keys and arguments. */
export function packSlice(slice: Slice): Packed {
  const { keys } = slice
  const places = new Map<string, number>()
  const names = [keys.meta, keys.buckets, keys.dirty, keys.judge]
  const placeOf = (key: string): number => {
    const known = places.get(key)
    if (known !== undefined) return known
    places.set(key, names.push(key))
    return names.length
  }
  const events = slice.events.map((event) => packEvent(event, { ...slice, placeOf }))
  const { incarnation, partition, known, upto, at, seen, nonce } = slice
  return {
    keys: names,
    args: [incarnation, partition, known, upto, at, seen ?? '', nonce, packr.pack(events)],
  }
}

interface EventContext extends Pick<Slice, 'keys' | 'hasThresholds'> {
  readonly placeOf: (key: string) => number
}

function packEvent(event: SliceEvent, { keys, hasThresholds, placeOf }: EventContext): readonly unknown[] {
  const { workspace, occurredAt, dedupe, reservation, isVoid } = event
  const bucket = dayOf(occurredAt)
  const day = dayOf(event.appendedAt)
  const usage = placeOf(keys.usage(workspace))
  const memberKey = (meter: string): number => placeOf(keys.members(workspace, meter))
  const packed: unknown[] = [
    event.offset,
    bucket,
    isVoid ? usage : placeOf(keys.dedupe(bucket, dedupe.subShard)),
    isVoid ? '' : dedupe.member,
    workspace,
    usage,
    event.appendedAt,
    event.changes.map((change) => operationOf(change, { day, memberKey })),
  ]
  if (hasThresholds || reservation !== null)
    packed.push(hasThresholds ? placeOf(keys.thresholds(workspace)) : 0)
  if (reservation !== null) packed.push(packReservation(event, reservation, { keys, placeOf }))
  return packed
}

function packReservation(
  { workspace, changes }: SliceEvent,
  { operation, item }: ReservationReference,
  { keys, placeOf }: Pick<EventContext, 'keys' | 'placeOf'>,
): readonly unknown[] {
  return [
    placeOf(keys.holds(workspace)),
    placeOf(keys.operation(workspace, operation)),
    placeOf(keys.due),
    `${workspace}/${operation}`,
    operation,
    item ?? '',
    [...new Set(changes.map(({ meter }) => meter))],
  ]
}

interface OperationContext {
  readonly day: string
  readonly memberKey: (meter: string) => number
}

/** A counter change in the words of `counter-changes.lua`. */
function operationOf(change: CounterChange, { day, memberKey }: OperationContext): readonly unknown[] {
  switch (change.kind) {
    case 'add':
      return ['add', levelField(change.meter), change.units, day]
    case 'set':
      return ['set', levelField(change.meter), String(change.units), day, change.isStated === true]
    case 'flow':
      return ['flow', dayField(change.meter, change.day), change.units, change.occurredAt]
    case 'split':
      return ['split', dayField(change.meter, change.day), change.startsAt]
    case 'join':
    case 'leave':
      return [change.kind, memberKey(change.meter), change.subject, levelField(change.meter), day]
    case 'members':
      return [
        'members',
        memberKey(change.meter),
        change.subjects,
        levelField(change.meter),
        day,
        change.isStated === true,
      ]
  }
}
