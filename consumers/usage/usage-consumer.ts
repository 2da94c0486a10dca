import { randomBytes } from 'node:crypto'
import type { Admin, Kafka } from 'kafkajs'
import type { Logger } from 'pino'
import { ConsumerLoop } from '#drivers/kafka/consumer-loop.ts'
import { readOffsetAt } from '#drivers/kafka/offset-at.ts'
import { type LogRange, readRanges } from '#drivers/kafka/scan-topic.ts'
import type { Refused, UsageReader } from '#drivers/kafka/usage-reader.ts'
import { whileWanted } from '#drivers/kafka/while-wanted.ts'
import type { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import type { SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import { SLICE_MAX } from '#drivers/redis/apply.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { passGap } from '#drivers/redis/shard-scripts.ts'
import { untilDone } from '#drivers/retry.ts'
import type { Traces } from '#drivers/traces.ts'
import { TurnBudget } from '#drivers/turn-budget.ts'
import { Turnstile } from '#drivers/turnstile.ts'
import type { Progress } from '../liveness.ts'
import { watchProgress } from '../watch-progress.ts'
import { MARK_EVERY_MS, startMarking } from './mark-timer.ts'
import { remadeReason } from './rebuild-shard.ts'
import { ShardKeeper } from './shard-keeper.ts'
import { countedUpto, type ShardPosition } from './shard-state.ts'
import { CALL_WEIGHT } from './shard-track.ts'
import { READ_AT_ONCE, type SessionDeps, UsageSession } from './usage-session.ts'

/** Everything that the usage consumer is made of. */
export interface UsageConsumerOptions {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly redis: Redis
  readonly log: Logger
  readonly name: string
  readonly groupId: string
  readonly topic: string
  readonly shards: readonly ShardKeys[]
  readonly incarnations: IncarnationLog
  readonly snapshots: SnapshotStore
  readonly reader: UsageReader
  readonly now: () => number
  readonly prepare: SessionDeps['prepare']
  readonly deadLetter: (refused: Refused, partition: number) => Promise<void>
  readonly catalogueRevision: () => Promise<number>
  readonly onApplied: SessionDeps['onApplied']
  readonly traces: Traces | null
  readonly onStarted: () => void
  readonly onRebuilt: (shard: number, tookMs: number) => void
  readonly onProgress: (progress: readonly Progress[]) => void
  /** A partition was opened, and so many shards found records of it gone before they were counted. */
  readonly onUseMissing: (partition: number, shards: number) => void
  /** A partition's log ends before what was counted of it. */
  readonly onRecreated: (partition: number, reason: string) => void
  readonly onFatal: (reason: Error) => void
  readonly sessionTimeoutMs: number
}

/** A consumer that is running. */
export interface RunningConsumer {
  /** Milliseconds since Kafka last answered. */
  readonly idleMs: () => number
  readonly partitions: () => readonly number[]
  readonly stop: () => Promise<void>
}

/** Reads `usage.events` into the counters until it is stopped. */
export async function startUsageConsumer(options: UsageConsumerOptions): Promise<RunningConsumer> {
  const { kafka, admin, redis, log, topic, groupId, shards } = options
  const ranges = (): Promise<readonly LogRange[]> => readRanges(admin, topic)
  const offsetAt = (partition: number, instant: number): Promise<number> =>
    readOffsetAt(admin, { topic, partition, instant })
  const keeper = new ShardKeeper({ ...options, ranges, offsetAt })
  const deps = sessionDeps(options, keeper)
  const loop = new ConsumerLoop<UsageSession>({
    kafka,
    groupId,
    topic,
    log,
    onFatal: options.onFatal,
    sessionTimeoutMs: options.sessionTimeoutMs,
    openSession: (partition, isWanted) =>
      untilDone(
        { what: `opening partition ${partition}`, log, between: whileWanted(partition, isWanted) },
        async () => {
          for (;;) {
            const positions = await keeper.positions(partition, isWanted)
            // Before the end of the log is asked for: what is counted meanwhile lies below it.
            const kept = await keeper.kept(partition, positions)
            const range = (await ranges()).find((own) => own.partition === partition)
            if (range === undefined) return new UsageSession(deps, partition, positions)
            requireSameLog({ positions, kept }, range, options.onRecreated)
            if (await keeper.restored(positions, range)) continue
            const whole = await closeGap(options, positions, range)
            return new UsageSession(deps, partition, whole)
          }
        },
      ),
  })
  await loop.start()
  const marking = startMarking({
    redis,
    shards,
    log,
    ranges,
    sessions: () => loop.sessions,
    reopen: (partition, session) => loop.reopen(partition, session),
  })
  // Apart from the marks: those wait for Redis.
  const { onProgress } = options
  const standings = (): typeof loop.standings => loop.standings
  const watching = watchProgress({ admin, topic, log, standings, onProgress, everyMs: MARK_EVERY_MS })
  return {
    idleMs: () => loop.idleMs,
    partitions: () => [...loop.sessions.keys()],
    stop: async () => {
      await Promise.all([marking.stop(), watching.stop()])
      const open = [...loop.sessions.values()]
      await loop.stop()
      await Promise.all(open.map((session) => session.settle()))
    },
  }
}

/**
 * Events in Redis at once, two full slices: enough that it never waits for us, few enough that a check waits for no more
 * than these.
 */
const WEIGHT_AT_ONCE = 2 * (SLICE_MAX + CALL_WEIGHT)

function sessionDeps(options: UsageConsumerOptions, keeper: ShardKeeper): SessionDeps {
  const { redis, shards, reader, log, topic, traces } = options
  let calls = 0
  const process = randomBytes(6).toString('hex')
  return {
    redis,
    shards,
    reader,
    prepare: options.prepare,
    deadLetter: options.deadLetter,
    retry: (what, call, between) => untilDone({ what, log, between }, call),
    onLostShard: (shard) => keeper.onLost(shard),
    onApplied: options.onApplied,
    ...(traces === null
      ? {}
      : { trace: (messages, partition) => traces.batch({ topic, partition, messages }) }),
    turnstile: new Turnstile(WEIGHT_AT_ONCE),
    reading: new TurnBudget(READ_AT_ONCE),
    nonce: () => {
      calls += 1
      return `${process}-${calls}`
    },
  }
}

/** Refuses to read a log that ends before what was counted of it: offsets begin anew, and would be skipped. */
function requireSameLog(
  { positions, kept }: { readonly positions: readonly ShardPosition[]; readonly kept: number },
  { partition, high }: LogRange,
  onRecreated: (partition: number, reason: string) => void,
): void {
  // The furthest shard: one that was rebased already takes the new log, the others would skip it.
  const counted = Math.max(kept, ...positions.map(countedUpto))
  if (high > counted) return
  const reason = remadeReason(partition, { high, counted })
  onRecreated(partition, reason)
  throw new Error(reason)
}

/**
 * Where the log was cut before everything in it was counted, says so and goes on from what is left.
 *
 * The shards that miss records carry `lb:<tp>` from then on, and so do their snapshots: their answers are not `exact`.
 */
async function closeGap(
  { redis, log, shards, onUseMissing }: UsageConsumerOptions,
  positions: readonly ShardPosition[],
  { partition, low }: LogRange,
): Promise<readonly ShardPosition[]> {
  const gone = low - 1
  let missing = 0
  const whole = await Promise.all(
    shards.map(async (keys, shard) => {
      const position = positions[shard]
      if (position === undefined || position.incarnation === null)
        throw new Error(`no position of shard ${shard}`)
      if (position.watermark >= gone) return position
      const outcome = await passGap(redis, { keys, incarnation: position.incarnation, partition, gone })
      if (outcome === 'INC') throw new Error(`shard ${shard} began another life meanwhile`)
      if (outcome === 'MARKED') {
        missing += 1
        log.error(
          { partition, shard, counted: position.watermark, low },
          'the log was cut before it was counted',
        )
      }
      return { ...position, watermark: gone }
    }),
  )
  onUseMissing(partition, missing)
  return whole
}
