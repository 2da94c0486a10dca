import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { lacksLife, type SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { basesOf, numbersOf } from '#drivers/redis/shard-offsets.ts'
import { beginRound, type Offsets } from '#drivers/redis/snapshot-scripts.ts'
import { CommandError, exitCodes } from '../target.ts'

/** A partition whose log is another than what was counted. */
export interface RemadePartition extends LogRange {
  /** Last offset of the old log that any shard counted. */
  readonly counted: number
  /** `made anew`: none of its records was counted; `lost its end`: what is left of the old log was. */
  readonly cause: 'made anew' | 'lost its end'
  /** Offset after which stands what nobody counted. */
  readonly goesOnAfter: number
}

/** Up to which offset of each partition a shard counted, and when that was appended, ms. */
export interface Standing {
  readonly base: Offsets
  readonly at: Readonly<Record<string, number>>
}

/** Where the standing of a shard is kept. */
export interface StandingDeps {
  readonly redis: Redis
  readonly snapshots: Pick<SnapshotStore, 'headers'>
  readonly incarnations: Pick<IncarnationLog, 'newest'>
}

/**
 * Where a shard stands by Redis, or by its newest snapshot where that has more: Redis went back. A life in Redis that
 * another followed says nothing: its offsets may be of another log. Nor do snapshots of a MongoDB that lacks the life in Redis.
 */
export async function standingOf(
  { redis, snapshots, incarnations }: StandingDeps,
  keys: ShardKeys,
): Promise<Standing> {
  const last = (await snapshots.headers(keys.shard)).at(-1)
  const { meta } = await beginRound(redis, { keys })
  const newest = await incarnations.newest(keys.shard)
  const incarnation = meta['inc'] ?? null
  const isNewest = Number(incarnation ?? -1) >= newest
  const live = isNewest ? { base: basesOf(meta), at: numbersOf(meta, 'at:') } : NOWHERE
  const stored = last === undefined || lacksLife(last, { incarnation, newest }) ? NOWHERE : last
  return { base: furthest(live.base, stored.base), at: furthest(live.at, stored.at) }
}

const NOWHERE: Standing = { base: {}, at: {} }

function furthest(one: Offsets, other: Offsets): Offsets {
  const partitions = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  return Object.fromEntries(partitions.map((tp) => [tp, Math.max(one[tp] ?? -1, other[tp] ?? -1)]))
}

interface Logs {
  readonly ranges: readonly LogRange[]
  /** Partitions that the operator names. */
  readonly named: readonly number[]
  /** The operator says of those that they were made anew, whatever times tell. */
  readonly isFromStart?: boolean
  /** First offset of a partition that was appended at or after an instant; its end when none was. */
  readonly offsetAt: (partition: number, instant: number) => Promise<number>
}

/**
 * Partitions whose log ends before what was counted of them, and those named.
 *
 * A log that was made anew has no record from before what was counted was appended; one that has any lost its end (an
 * unclean election, a disk without its last writes), and to count it from its start would count it twice. A log that has
 * grown beyond what was counted looks like the old one: name it. Throws `CommandError` for a named one that is whole.
 */
export async function findRemade(
  { ranges, named, isFromStart = false, offsetAt }: Logs,
  standings: readonly Standing[],
): Promise<readonly RemadePartition[]> {
  const found = ranges.map(async (range): Promise<RemadePartition | null> => {
    const { partition, low, high } = range
    const counted = Math.max(-1, ...standings.map(({ base }) => base[partition] ?? -1))
    if (counted < high && !named.includes(partition)) return null
    const at = Math.max(0, ...standings.map((own) => own.at[partition] ?? 0))
    const isSaid = isFromStart && named.includes(partition)
    if (isSaid || at === 0 || low === high || (await offsetAt(partition, at)) <= low)
      return { ...range, counted, cause: 'made anew', goesOnAfter: low - 1 }
    const goesOnAfter = (await offsetAt(partition, at + 1)) - 1
    if (goesOnAfter < counted) return { ...range, counted, cause: 'lost its end', goesOnAfter }
    const message = `partition ${partition} holds all that was counted of it, as far as times tell; leave it out, or say --from-start if its log was made anew and was counted on since (what is older than 72 hours and was counted then counts again)`
    throw new CommandError(message, exitCodes.usage)
  })
  return (await Promise.all(found)).filter((one) => one !== null)
}
