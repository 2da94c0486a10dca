import type { Logger } from 'pino'
import { HOUR_MS, type Instant } from '#core/instant.ts'
import { type JudgeDeps, judgeWorkspace } from '#core/operations/judge-workspace.ts'
import { Agenda, type Due } from '#drivers/redis/agenda.ts'
import type { Redis } from '#drivers/redis/connection.ts'
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
/** Workspaces of one shard that are judged in one round because of the time. */
const DUE_MAX = 200
/** Every workspace is judged at least this often, whatever was lost in Redis. */
const LIST_EVERY_MS = HOUR_MS
/** What is due later than this stands on no agenda: the list brings it in time, and memory is saved for most workspaces. */
const PLANNED_MS = 2 * LIST_EVERY_MS

/** Compares what changed, and what is due, with limits and dates, shard by shard, until it is stopped. */
export function startJudge(options: JudgeLoopOptions): Rounds {
  const judge = new ShardJudge(options)
  const spare = (error: unknown, { shard }: ShardKeys): null => {
    options.log.warn({ err: error, shard }, 'the shard was not judged; it will be')
    return null
  }
  return startRounds(ROUND_MS, async (isStopped) => {
    const looks = options.shards.map((keys) => judge.look(keys).catch((error: unknown) => spare(error, keys)))
    const unlisted: ShardKeys[] = []
    for (const waiting of await Promise.all(looks)) {
      if (isStopped()) return
      if (waiting === null) continue
      const isListDue = await judge
        .visit(waiting, isStopped)
        .catch((error: unknown) => spare(error, waiting.keys))
      if (isListDue === true) unlisted.push(waiting.keys)
    }
    if (unlisted.length === 0) return
    await judge.list(unlisted).catch((error: unknown) => {
      options.log.warn({ err: error }, 'the workspaces were not listed; they will be')
    })
  })
}

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

  /** True when its workspaces are to be listed, and that is ours to do. */
  async visit({ keys, hasChanges, due }: Waiting, isStopped: () => boolean): Promise<boolean> {
    if (!(await this.#hasLease(keys))) return false
    const pause = (workedMs: number): Promise<void> => this.#standBack(keys, workedMs, isStopped)
    if (hasChanges) await this.#judgeChanged(keys, pause)
    await judgeAll(due.workspaces, { judge: (workspace) => this.#judgeOne(keys, workspace), pause })
    return due.isListDue
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

  /** While much waits to be counted, rests after work, and keeps the lease meanwhile. */
  async #standBack(keys: ShardKeys, workedMs: number, isStopped: () => boolean): Promise<void> {
    if (!isStopped() && (await standBack(this.#options.backlog(), workedMs))) await this.#hasLease(keys)
  }

  async #judgeChanged(keys: ShardKeys, pause: Pause): Promise<void> {
    const { redis } = this.#options
    let cursor = '0'
    do {
      const [next, entries] = await redis.hscan(keys.judge, cursor, 'COUNT', SCAN_COUNT)
      const judge = async ({ workspace, value }: Changed): Promise<void> => {
        const isJudged = await this.#judgeOne(keys, workspace)
        if (isJudged) await forgetStamp(redis, { hash: keys.judge, workspace, value })
      }
      await judgeAll(pairsOf(entries), { judge, pause })
      cursor = next
    } while (cursor !== '0')
  }

  /** False when it could not be judged now; it stays where it was found. */
  async #judgeOne(keys: ShardKeys, workspace: string): Promise<boolean> {
    const { redis, deps } = this.#options
    const raisedAt = async (): Promise<Instant | null> => raisedAtOf(await redis.hget(keys.judge, workspace))
    const { outcome, nextAt, shares } = await judgeWorkspace(deps, { workspace, raisedAt })
    if (outcome === 'unknown') return false
    const isFar = nextAt === null || nextAt > deps.now() + PLANNED_MS
    await Promise.all([
      this.#agenda.plan(keys, workspace, isFar ? null : nextAt),
      this.#near.put(keys, workspace, shares),
    ])
    return true
  }
}

type Pause = (workedMs: number) => Promise<void>

interface Judging<Item> {
  readonly judge: (item: Item) => Promise<unknown>
  /** After each few of them. */
  readonly pause: Pause
}

async function judgeAll<Item>(items: readonly Item[], { judge, pause }: Judging<Item>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const startedAt = performance.now()
    await Promise.all(items.slice(from, from + AT_ONCE).map(judge))
    await pause(performance.now() - startedAt)
  }
}

interface Changed {
  readonly workspace: string
  readonly value: string
}

/** The earlier one of `stamp|before|since`, see `lua/apply.lua`. */
function raisedAtOf(value: string | null): Instant | null {
  const raises = value?.split('|').slice(1) ?? []
  const known = raises.filter((raise) => raise !== '').map(Number)
  return known.length === 0 ? null : Math.min(...known)
}

function pairsOf(entries: readonly string[]): readonly Changed[] {
  return entries.flatMap((workspace, index) =>
    index % 2 === 0 ? [{ workspace, value: entries[index + 1] ?? '' }] : [],
  )
}
