import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { findRemade, standingOf } from '#cli/rebase/find-remade.ts'
import { rebaseShard } from '#cli/rebase/rebase-shard.ts'
import { forgetIds } from '#consumers/snapshots/forget-ids.ts'
import { snapshotRound } from '#consumers/snapshots/snapshot-round.ts'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { ShardKeeper } from '#consumers/usage/shard-keeper.ts'
import { readPositions, type ShardPosition } from '#consumers/usage/shard-state.ts'
import { dayOf, type Instant } from '#core/instant.ts'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { type ApplyReply, apply, type SliceEvent } from '#drivers/redis/apply.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { memoryDb } from '#test/simulator/memory-db.ts'
import { MemoryIncarnations, MemoryPages } from '#test/simulator/memory-stores.ts'

const hasher = dedupeHasher('key of a shard with a log')
const WORKSPACE = 'acme'
const METER = 'ai_credits'

/** An event, when it was appended, and when it happened if that is another time. */
interface Appended {
  readonly id: string
  readonly at: Instant
  readonly occurredAt?: Instant
  readonly units?: number
}

/** A slice of the log, and what the consumer that sends it believes; what Redis says where left out. */
interface Counting {
  readonly upto: number
  readonly known?: number
  readonly incarnation?: string
}

/**
 * One shard on a real Redis, with snapshots in memory and partitions that the test writes, cuts and makes anew: what
 * becomes of counters when a log is not what it was.
 */
export class LoggedShard {
  readonly keys = shardKeys(0, randomUUID())
  readonly incarnations = new MemoryIncarnations()
  readonly snapshots = new SnapshotLog(memoryDb())
  /** Events of each partition, to be changed at will. */
  readonly logs: SliceEvent[][]
  readonly #redis: Redis
  readonly #days = new MemoryPages()
  #lows: readonly number[]
  #nonces = 0

  constructor(redis: Redis, partitions = 1) {
    this.#redis = redis
    this.logs = Array.from({ length: partitions }, () => [])
    this.#lows = this.logs.map(() => 0)
  }

  /** First and next offset of each partition. */
  ranges(): readonly LogRange[] {
    return this.logs.map((log, partition) => {
      const low = this.#lows[partition] ?? 0
      return { partition, low, high: (log.at(-1)?.offset ?? low - 1) + 1 }
    })
  }

  /** Appends an event of so many units; a copy of one happened when that did. */
  append(partition: number, event: Appended): void {
    const { id, at, occurredAt = at, units = 1 } = event
    const offset = this.ranges()[partition]?.high ?? 0
    const identity = { workspace: WORKSPACE, source: 'crm', id }
    this.logs[partition]?.push({
      offset,
      workspace: WORKSPACE,
      occurredAt,
      appendedAt: at,
      dedupe: hasher(identity),
      changes: [{ kind: 'flow', meter: METER, day: dayOf(occurredAt), units, occurredAt }],
      reservation: null,
      isVoid: false,
    })
  }

  /** Retention takes everything before an offset. */
  cut(partition: number, low: number): void {
    this.#lows = this.#lows.map((before, own) => (own === partition ? low : before))
    this.logs[partition] = (this.logs[partition] ?? []).filter(({ offset }) => offset >= low)
  }

  /** First offset that was appended at or after an instant; the end when none was. */
  readonly offsetAt = async (partition: number, instant: Instant): Promise<number> =>
    this.logs[partition]?.find(({ appendedAt }) => appendedAt >= instant)?.offset ??
    this.ranges()[partition]?.high ??
    0

  /** What rebuilding and keeping this shard needs. */
  deps(): RebuildDeps {
    return {
      redis: this.#redis,
      incarnations: this.incarnations,
      snapshots: this.snapshots,
      log: pino({ level: 'silent' }),
      name: 'test',
      now: () => 0,
      ranges: async () => this.ranges(),
      offsetAt: this.offsetAt,
      catalogueRevision: async () => 1,
    }
  }

  async rebuild(): Promise<void> {
    await rebuildShard(this.deps(), this.keys)
  }

  /** What keeps this shard alive in a consumer. */
  keeper(): ShardKeeper {
    return new ShardKeeper({ ...this.deps(), shards: [this.keys], onRebuilt: () => undefined })
  }

  /** What `tallygate rebase --yes` does; the causes that it found. */
  async rebase(named: readonly number[] = [], isFromStart = false): Promise<readonly string[]> {
    const deps = { ...this.deps(), name: 'test', distinctMeters: [] }
    const logs = { ranges: this.ranges(), named, isFromStart, offsetAt: this.offsetAt }
    const remade = await findRemade(logs, [await standingOf(deps, this.keys)])
    await rebaseShard(deps, this.keys, { remade, isComplete: true })
    return remade.map(({ cause }) => cause)
  }

  async position(partition: number): Promise<ShardPosition> {
    const [position] = await readPositions(this.#redis, [this.keys], partition)
    if (position === undefined) throw new Error('no position')
    return position
  }

  /** Counts a partition up to an offset, as one call of a consumer. */
  async count(partition: number, { upto, ...belief }: Counting): Promise<ApplyReply['outcome']> {
    const position = await this.position(partition)
    const { known = position.watermark, incarnation = position.incarnation ?? '' } = belief
    const events = (this.logs[partition] ?? []).filter(({ offset }) => offset > known && offset <= upto)
    const at = events.at(-1)?.appendedAt ?? 0
    const { keys } = this
    const { hasThresholds } = position
    const head = { keys, incarnation, partition, known, upto, at, seen: null, nonce: this.#nonce() }
    return (await apply(this.#redis, packSlice({ ...head, hasThresholds, events }))).outcome
  }

  /** A round of snapshots; `meanwhile` happens after it began and before it reads the workspaces. */
  async snapshot(meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
    const deps = {
      redis: this.#redis,
      snapshots: this.snapshots,
      incarnations: this.incarnations,
      days: this.#days,
      distinctMeters: () => meanwhile().then(() => []),
      lastingMeters: () => [],
      nonce: () => this.#nonce(),
    }
    await snapshotRound(deps, this.keys)
  }

  async forget(): Promise<void> {
    await forgetIds({ redis: this.#redis, keys: this.keys, ranges: this.ranges() })
  }

  /** Units that are counted. */
  async used(): Promise<number> {
    const fields = Object.entries(await this.#redis.hgetall(this.keys.usage(WORKSPACE)))
    return fields.reduce((sum, [name, units]) => (/:\d{8}$/.test(name) ? sum + Number(units) : sum), 0)
  }

  #nonce(): string {
    this.#nonces += 1
    return `n${this.#nonces}`
  }
}
