import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { KafkaMessage } from 'kafkajs'
import { pino } from 'pino'
import { forgetIds } from '#consumers/snapshots/forget-ids.ts'
import { snapshotRound } from '#consumers/snapshots/snapshot-round.ts'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { readPositions } from '#consumers/usage/shard-state.ts'
import { type SessionDeps, UsageSession } from '#consumers/usage/usage-session.ts'
import { DAY_MS, dayOf } from '#core/instant.ts'
import type { LogRange } from '#drivers/kafka/scan-topic.ts'
import type { UsageReader } from '#drivers/kafka/usage-reader.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { type ShardKeys, shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { TurnBudget } from '#drivers/turn-budget.ts'
import { Turnstile } from '#drivers/turnstile.ts'
import { seededRandom } from '#test/helpers/random.ts'
import { archiveWorkspace } from './archive-workspace.ts'
import { Checker } from './checker.ts'
import { type Dump, dumpShard, SHARDS, setBack, tearCall, wipe } from './disasters.ts'
import { EventLog, type Next, WORKSPACES, workspaceOf } from './event-log.ts'
import { HoldUsers } from './hold-users.ts'
import { memoryDb } from './memory-db.ts'
import { MemoryIncarnations, MemoryPages } from './memory-stores.ts'
import { Turbulence } from './turbulence.ts'
import { Worker } from './worker.ts'

const [PARTITIONS, WORKERS] = [2, 2]
const METERS = ['numbers', 'badges']
/** Events that fill a slice: a batch has some that are full. */
const SLICE_MAX = 3
/** Small, so that rounds are folded and cut into parts often. */
const [FOLD_AFTER, SEGMENT_ROWS_MAX] = [3, 2]

const WORKSPACE_NAMES = Array.from({ length: PARTITIONS * WORKSPACES }, (_, index) =>
  workspaceOf(index % PARTITIONS, Math.floor(index / PARTITIONS)),
)

/**
 * One seeded life of some shards on a real Redis, with everything that can go wrong between the log and the
 * counters: crashes, zombies, lost answers, calls that never ran, shards set back, wipes, rebuilds cut short,
 * two snapshotters, forgotten ids. The consumers' own code runs; only Kafka and MongoDB are stood in for.
 */
export class Simulation {
  readonly #redis: Redis
  readonly #next: Next
  readonly #log: EventLog
  readonly #shards: readonly ShardKeys[]
  readonly #checker: Checker
  readonly #days = new MemoryPages()
  readonly #snapshots: SnapshotLog
  readonly #incarnations = new MemoryIncarnations()
  readonly #committed = new Map<number, number>()
  readonly #workers: Worker[] = []
  readonly #dumps: (Dump | null)[] = Array.from({ length: SHARDS }, () => null)
  readonly #turbulence: Turbulence
  readonly #holds: HoldUsers
  /** Whether Redis may lose what it acknowledged. */
  readonly #isLossy: boolean
  #calls = 0

  constructor(redis: Redis, seed: number) {
    this.#redis = redis
    this.#next = seededRandom(seed)
    this.#log = new EventLog(this.#next, PARTITIONS)
    const run = randomUUID().slice(0, 8)
    this.#shards = Array.from({ length: SHARDS }, (_, shard) => shardKeys(shard, `${run}-${shard}`))
    this.#checker = new Checker(redis, { shards: this.#shards, log: this.#log, days: this.#days })
    this.#turbulence = new Turbulence(redis, this.#next, () => this.#mishap())
    const db = memoryDb((call) => this.#turbulence.inTurn(call))
    this.#snapshots = new SnapshotLog(db, { segmentRowsMax: SEGMENT_ROWS_MAX })
    for (let worker = 0; worker < WORKERS; worker += 1) this.#workers.push(this.#newWorker())
    this.#isLossy = seed % 2 === 1
    this.#holds = new HoldUsers({
      redis,
      turbulence: this.#turbulence,
      next: this.#next,
      log: this.#log,
      shards: this.#shards,
      workspaces: WORKSPACE_NAMES,
      isLossy: this.#isLossy,
    })
  }

  /** All that Redis was called for up to now, in that order: the same for the same seed, however busy the machine is. */
  get life(): string {
    return this.#turbulence.life
  }

  /** Runs some steps of mishaps, then catches up in peace; what differs from the truth of the log, or nothing. */
  async run(steps: number): Promise<readonly string[]> {
    const violations = await this.#live(steps)
    for (const worker of this.#workers) await worker.die()
    for (const keys of this.#shards) await wipe(this.#redis, keys)
    return violations
  }

  async #live(steps: number): Promise<readonly string[]> {
    for (let step = 0; step < steps; step += 1) {
      await this.#turbulence.survive()
      const differences = step % 10 === 0 ? await this.#checker.differences() : []
      const early = [...(await this.#checker.readyTooEarly()), ...(await this.#checker.seenTooEarly())]
      const violations = [...early, ...differences, ...this.#holds.violations]
      if (violations.length > 0) return violations
    }
    this.#turbulence.isCalm = true
    if (!(await this.#catchUp())) return ['never caught up with the log']
    await this.#holds.finish()
    if (!(await this.#catchUp())) return ['never caught up with what was produced again']
    return [...(await this.#checker.differences()), ...(await this.#holds.left()), ...this.#holds.violations]
  }

  async #mishap(): Promise<void> {
    const partition = this.#next(PARTITIONS)
    const which = this.#next(WORKERS)
    const worker = this.#workers[which]
    const shard = this.#next(SHARDS)
    const keys = this.#shards[shard]
    if (worker === undefined || keys === undefined) return
    switch (this.#next(35)) {
      case 0:
      case 1:
      case 2:
        return this.#log.append(partition, 1 + this.#next(12))
      case 4:
        this.#workers[which] = this.#newWorker()
        return worker.die()
      case 5:
      case 6:
      case 7:
        await snapshotRound({ ...this.#snapshotDeps(), redis: this.#turbulence.redis() }, keys)
        return
      case 8:
        this.#dumps[shard] = await dumpShard(this.#redis, keys)
        return
      case 9:
        if (this.#isLossy) await setBack(this.#redis, keys, this.#dumps[shard] ?? null)
        return
      case 10:
        if (this.#next(3) === 0 && this.#isLossy) await wipe(this.#redis, keys)
        return
      case 11:
        await forgetIds({ redis: this.#turbulence.redis(), keys, ranges: this.#ranges() })
        return
      case 12:
        return this.#mark(worker)
      case 13:
        return this.#archive(keys)
      case 14:
        if (this.#next(4) === 0 && this.#isLossy)
          await tearCall(this.#redis, keys, this.#log.partitions[partition] ?? [])
        return
      case 15:
      case 16:
      case 17:
      case 18:
      case 19:
      case 20:
      case 21:
      case 22:
        return this.#holds.act(keys)
      case 23:
        return worker.commit()
      default:
        await worker.read(partition, 1 + this.#next(15))
    }
  }

  /** A process that begins where the group committed. */
  #newWorker(): Worker {
    const open = async (partition: number): Promise<UsageSession> =>
      new UsageSession(this.#sessionDeps(), partition, await this.#positions(partition))
    return new Worker({ log: this.#log, committed: this.#committed, open })
  }

  /** Marks every partition of a worker, as its timer does: what it verified is the end as it was before. */
  async #mark(worker: Worker): Promise<void> {
    const times = this.#shards.map(() => this.#log.now)
    const ends = this.#log.partitions.map((log) => log.length)
    const marks = [...worker.sessions].map(async ([partition, session]) => {
      return { partition, session, outcome: await session.mark({ end: ends[partition] ?? 0, times }) }
    })
    for (const mark of await Promise.allSettled(marks)) {
      if (mark.status === 'rejected') throw mark.reason
      if (mark.value.outcome === 'reopen') await worker.reopen(mark.value.partition, mark.value.session)
    }
  }

  /** Moves past days of a workspace out of the counters; late events still come for some of them. */
  async #archive(keys: ShardKeys): Promise<void> {
    const own = WORKSPACE_NAMES.filter((name) => shardOf(name, SHARDS) === keys.shard)
    const workspace = own[this.#next(Math.max(own.length, 1))] ?? ''
    const through = dayOf(this.#log.now - this.#next(4) * DAY_MS)
    const deps = { ...this.#snapshotDeps(), redis: this.#turbulence.redis() }
    await archiveWorkspace(deps, { keys, workspace, through, meters: METERS })
  }

  async #positions(partition: number): Promise<Awaited<ReturnType<typeof readPositions>>> {
    for (;;) {
      const positions = await readPositions(this.#turbulence.redis(), this.#shards, partition)
      const lost = this.#shards.filter((_, shard) => positions[shard]?.incarnation === null)
      if (lost.length === 0) return positions
      for (const keys of lost) await this.#rebuild(keys)
    }
  }

  async #rebuild(keys: ShardKeys): Promise<void> {
    const redis = this.#turbulence.redis()
    await redis.del(keys.lease('rebuild'))
    const deps: RebuildDeps = {
      redis,
      incarnations: this.#incarnations,
      snapshots: this.#snapshots,
      log: pino({ level: 'silent' }),
      name: 'sim',
      now: () => this.#log.now,
      ranges: async () => this.#ranges(),
      offsetAt: async (partition, instant) => {
        const log = this.#log.partitions[partition] ?? []
        const found = log.findIndex(({ appendedAt }) => appendedAt >= instant)
        return found === -1 ? log.length : found
      },
      catalogueRevision: async () => 1,
    }
    await rebuildShard(deps, keys)
  }

  /** With what a clock shows, for mutants that go by it. */
  #ranges(): readonly (LogRange & { readonly clock: number })[] {
    return this.#log.partitions.map((log, partition) => {
      return { partition, low: 0, high: log.length, clock: this.#log.now }
    })
  }

  #sessionDeps(): SessionDeps {
    const reader = {
      read: async (messages: readonly KafkaMessage[]) => {
        return { events: messages.map((message) => Reflect.get(message, 'event')), refused: [] }
      },
    }
    return {
      redis: this.#turbulence.redis(),
      shards: this.#shards,
      reader: reader as unknown as UsageReader,
      prepare: async () => undefined,
      deadLetter: async () => undefined,
      retry: async (_what, call) => call(),
      onLostShard: async (shard) => {
        const keys = this.#shards[shard]
        if (keys === undefined) return
        const [position] = await readPositions(this.#turbulence.redis(), [keys], 0)
        const incarnation = position?.incarnation ?? null
        if (incarnation === null || Number(incarnation) < (await this.#incarnations.newest(shard)))
          await this.#rebuild(keys)
      },
      onApplied: () => undefined,
      sliceMax: SLICE_MAX,
      turnstile: new Turnstile(Number.POSITIVE_INFINITY),
      reading: new TurnBudget(1_000),
      nonce: () => this.#nonce(),
    }
  }

  #snapshotDeps(): Omit<Parameters<typeof snapshotRound>[0], 'redis'> {
    return {
      snapshots: this.#snapshots,
      incarnations: this.#incarnations,
      days: this.#days,
      distinctMeters: async () => METERS,
      lastingMeters: () => [],
      foldAfter: FOLD_AFTER,
      nonce: () => this.#nonce(),
    }
  }

  #nonce(): string {
    return String(++this.#calls)
  }

  async #catchUp(): Promise<boolean> {
    for (let round = 0; round < 2_000; round += 1) {
      const worker = this.#workers[0]
      if (worker === undefined) return false
      for (let partition = 0; partition < PARTITIONS; partition += 1) await worker.read(partition, 15)
      await this.#mark(worker)
      if (await this.#checker.isCaughtUp()) return true
    }
    return false
  }
}
