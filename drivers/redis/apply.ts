import type { Instant } from '#core/instant.ts'
import type { ReservationReference } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import type { DedupeId } from './dedupe-id.ts'
import type { ShardKeys } from './keys.ts'
import type { PackedSlice } from './pack-slice.ts'
import { defineScript, listOf, type RawReply, wordOf } from './script.ts'

/**
 * The most events in one call: a check that comes meanwhile waits for it, some three milliseconds. Fewer cost Redis more
 * each, for more of them share a set of ids and a workspace's counters (ADR 0021).
 */
export const SLICE_MAX = 500

/** One event of a slice, measured and ready to be applied. */
export interface SliceEvent {
  readonly offset: number
  /** The producer's id of it, for people; nothing rests on it. */
  readonly id?: string
  readonly workspace: string
  readonly occurredAt: Instant
  /** Append time by which it is judged: Kafka's, or a restated one. */
  readonly appendedAt: Instant
  /** When it changes levels, where that is another time: a redriven record is counted long after the time it restates. */
  readonly recordedAt?: Instant
  readonly dedupe: DedupeId
  readonly changes: readonly CounterChange[]
  /** The hold that it settles, if it names one. */
  readonly reservation: ReservationReference | null
  /** It was set aside: it settles its hold, and never counts. */
  readonly isVoid: boolean
}

/** What a call says beside its events. */
export interface SliceHead {
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
}

/** All events of one shard in `(known, upto]` of one partition. Without events it is a mark. */
export interface Slice extends SliceHead {
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
  /** Catalogue revision in force there; 0 where it was not said. */
  readonly catalogueRevision: number
  readonly counted: number
  readonly duplicates: number
  readonly drifts: readonly Drift[]
  /** The shard is not rebuilt any more: its counters decide. */
  readonly isReady: boolean
}

/** `lua/apply.lua`: applies a slice once, behind the incarnation, contiguity and watermark fences. */
export const apply = defineScript({
  file: 'apply.lua',
  parts: [
    'held-units.lua',
    'open-holds.lua',
    'settle.lua',
    'add-ids.lua',
    'counter-changes.lua',
    'unjudged.lua',
  ],
  keys: (packed: PackedSlice) => packed.keys,
  args: (packed) => packed.args,
  reply: (raw): ApplyReply => {
    const [word, watermark, catalogue, counted, duplicates, drifts, ready] = listOf(raw, 'apply.lua')
    return {
      outcome: wordOf(word ?? null, outcomes, 'apply.lua'),
      watermark: watermark === undefined ? null : Number(watermark),
      catalogueRevision: Number(catalogue ?? 0),
      counted: Number(counted ?? 0),
      duplicates: Number(duplicates ?? 0),
      drifts: Array.isArray(drifts) ? drifts.map(driftOf) : [],
      isReady: ready === 1,
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
