import type { Logger } from 'pino'
import { HOUR_MS } from '#core/instant.ts'
import { type JudgeDeps, judgeWorkspace } from '#core/operations/judge-workspace.ts'
import { Agenda, type Due } from '#drivers/redis/agenda.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { inPairs } from '#drivers/redis/in-pairs.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { NearLimits } from '#drivers/redis/near-limits.ts'
import { forgetStamp } from '#drivers/redis/shard-scripts.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import { enlistShards, type WorkspacePages } from './enlist-shards.ts'
import { standBack } from './stand-back.ts'

interface JudgeLoopOptions {
  readonly deps: JudgeDeps
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly workspaces: WorkspacePages
  readonly log: Logger
  readonly name: string
  /** Records that wait to be counted. */
  readonly backlog: () => number
}

/** How often the workspaces that changed are looked at; until then `since` of a crossing is "now". */
const ROUND_MS = 200
/** One judge a shard is enough; a second one does no harm. */
const LEASE_MS = 3_000
const AT_ONCE = 8
const SCAN_COUNT = 200
/** Workspaces of one shard that are looked up in one round because of the time. */
const DUE_MAX = 200
/**
 * What is due because of the time comes in herds, when a period ends for many, and can wait: it rests as long as it
 * works, and each round gives it so long, so that what changed is judged soon.
 */
const USUAL: Pace = { withinMs: 200, restTimes: 1 }
/** What has been due for so long is more than a part of the time suffices for: it is judged without a rest, most of the time. */
const LATE_AFTER_MS = 60_000
const LATE: Pace = { withinMs: 2_000, restTimes: 0 }
/** Whoever rested longer renews its lease. */
const RENEW_AFTER_MS = 200
/** Every workspace is judged at least this often, whatever was lost in Redis. */
const LIST_EVERY_MS = HOUR_MS
/** What is due later than this stands on no agenda: the list brings it in time, and memory is saved for most workspaces. */
const PLANNED_MS = 2 * LIST_EVERY_MS

/** Compares what changed, and what is due, with limits and dates, until it is stopped; what changed of all shards first. */
export function startJudge(options: JudgeLoopOptions): Rounds {
  const judge = new ShardJudge(options)
  const spare = (error: unknown, { shard }: ShardKeys): null => {
    options.log.warn({ err: error, shard }, 'the shard was not judged; it will be')
    return null
  }
  const { shards } = options
  let first = 0
  return startRounds(ROUND_MS, async (isStopped) => {
    const inTurn = [...shards.slice(first), ...shards.slice(0, first)]
    const looks = inTurn.map((keys) => judge.look(keys).catch((error: unknown) => spare(error, keys)))
    const waiting = (await Promise.all(looks)).filter((look) => look !== null)
    for (const { keys, hasChanges } of waiting) {
      if (isStopped()) return
      if (hasChanges) await judge.changed(keys, isStopped).catch((error: unknown) => spare(error, keys))
    }
    const startedAt = performance.now()
    const unlisted: ShardKeys[] = []
    for (const { keys, due } of waiting) {
      if (isStopped()) return
      const { withinMs, restTimes } = judge.paceOf(due)
      const isOver = (): boolean => isStopped() || performance.now() - startedAt >= withinMs
      if (!isOver()) first = (shards.indexOf(keys) + 1) % shards.length
      const isListDue = await judge
        .due({ keys, due, restTimes }, isOver)
        .catch((error: unknown) => spare(error, keys))
      if (isListDue === true) unlisted.push(keys)
    }
    if (unlisted.length === 0) return
    await judge.list(unlisted).catch((error: unknown) => {
      options.log.warn({ err: error }, 'the workspaces were not listed; they will be')
    })
  })
}

/** How fast what is due is gone through. */
interface Pace {
  /** How long of a round, ms, that of all shards together. */
  readonly withinMs: number
  /** How many times as long as it worked it rests. */
  readonly restTimes: number
}

interface DueVisit extends Pick<Waiting, 'keys' | 'due'>, Pick<Pace, 'restTimes'> {}

/** A shard in which something waits to be judged. */
interface Waiting {
  readonly keys: ShardKeys
  readonly hasChanges: boolean
  readonly due: Due
}

/** One round over a shard, for whoever holds its lease. */
class ShardJudge {
  readonly #options: JudgeLoopOptions
  readonly #agenda: Agenda
  readonly #near: NearLimits

  constructor(options: JudgeLoopOptions) {
    this.#options = options
    this.#agenda = new Agenda(options.redis)
    this.#near = new NearLimits(options.redis)
  }

  /** What waits in a shard; null where nothing does. Changes nothing, so that many are looked at in one turn. */
  async look(keys: ShardKeys): Promise<Waiting | null> {
    const { redis, deps } = this.#options
    const [changed, due] = await Promise.all([
      redis.hlen(keys.judge),
      this.#agenda.due({ keys, now: deps.now(), limit: DUE_MAX }),
    ])
    const isIdle = changed === 0 && due.workspaces.length === 0 && !due.isListDue
    return isIdle ? null : { keys, hasChanges: changed > 0, due }
  }

  /** Judges what changed, if that is ours to do. */
  async changed(keys: ShardKeys, isStopped: () => boolean): Promise<void> {
    if (await this.#hasLease(keys)) await this.#judgeChanged(keys, this.#pause(keys, 0, isStopped))
  }

  /** Judges what is due until the time is over; true when its workspaces are to be listed, and that is ours to do. */
  async due({ keys, due, restTimes }: DueVisit, isOver: () => boolean): Promise<boolean> {
    const isNothingToJudge = due.workspaces.length === 0 || isOver()
    if (isNothingToJudge && !due.isListDue) return false
    if (!(await this.#hasLease(keys))) return false
    const judge = (workspace: string): Promise<unknown> => this.#judgeOne(keys, workspace)
    await judgeAll(due.workspaces, { judge, pause: this.#pause(keys, restTimes, isOver), isOver })
    return due.isListDue
  }

  /** How fast to go through what is due. */
  paceOf({ since }: Due): Pace {
    const isLate = since !== null && since < this.#options.deps.now() - LATE_AFTER_MS
    return isLate ? LATE : USUAL
  }

  /** Makes every workspace of these shards due. */
  async list(due: readonly ShardKeys[]): Promise<void> {
    const { deps, shards, workspaces } = this.#options
    const now = deps.now()
    await enlistShards({ agenda: this.#agenda, due, shards: shards.length, workspaces, now })
    await Promise.all(due.map((keys) => this.#agenda.planList(keys, now + LIST_EVERY_MS)))
  }

  async #hasLease(keys: ShardKeys): Promise<boolean> {
    const { redis, name } = this.#options
    const lease = keys.lease('judge')
    const holder = await redis.set(lease, name, 'PX', LEASE_MS, 'NX', 'GET')
    if (holder !== null && holder !== name) return false
    await redis.pexpire(lease, LEASE_MS)
    return true
  }

  /** Rests after work, and keeps the lease meanwhile. */
  #pause(keys: ShardKeys, restTimes: number, isOver: () => boolean): Pause {
    return async (workedMs) => {
      if (isOver()) return
      const restedMs = await standBack({ backlog: this.#options.backlog(), workedMs, restTimes })
      if (restedMs > RENEW_AFTER_MS) await this.#hasLease(keys)
    }
  }

  async #judgeChanged(keys: ShardKeys, pause: Pause): Promise<void> {
    const { redis } = this.#options
    let cursor = '0'
    do {
      const [next, entries] = await redis.hscan(keys.judge, cursor, 'COUNT', SCAN_COUNT)
      const judge = ([workspace]: readonly [string, string]): Promise<void> => this.#judgeOne(keys, workspace)
      await judgeAll(inPairs(entries), { judge, pause })
      cursor = next
    } while (cursor !== '0')
  }

  /** What could not be judged now stays where it was found. */
  async #judgeOne(keys: ShardKeys, workspace: string): Promise<void> {
    const { deps, redis } = this.#options
    const { outcome, nextAt, kept, shares } = await judgeWorkspace(deps, workspace)
    if (outcome === 'unknown') return
    const isFar = nextAt === null || nextAt > deps.now() + PLANNED_MS
    await Promise.all([
      this.#agenda.plan(keys, workspace, isFar ? null : nextAt),
      this.#near.put(keys, workspace, shares),
    ])
    if (kept !== '') await forgetStamp(redis, { hash: keys.judge, workspace, value: kept })
  }
}

type Pause = (workedMs: number) => Promise<void>

interface Judging<Item> {
  readonly judge: (item: Item) => Promise<unknown>
  /** After each few of them. */
  readonly pause: Pause
  /** Whether the rest of them is left for another time. */
  readonly isOver?: () => boolean
}

async function judgeAll<Item>(
  items: readonly Item[],
  { judge, pause, isOver = () => false }: Judging<Item>,
): Promise<void> {
  for (let from = 0; from < items.length && !isOver(); from += AT_ONCE) {
    const startedAt = performance.now()
    await Promise.all(items.slice(from, from + AT_ONCE).map(judge))
    await pause(performance.now() - startedAt)
  }
}
