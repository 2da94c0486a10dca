import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { type JudgeDeps, judgeWorkspace } from '#core/operations/judge-workspace.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { forgetStamp } from '#drivers/redis/shard-scripts.ts'

interface JudgeLoopOptions {
  readonly deps: JudgeDeps
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  readonly name: string
}

/** How often the workspaces that changed are looked at; until then `since` of a crossing is "now". */
const ROUND_MS = 200
/** One judge a shard is enough; a second one does no harm. */
const LEASE_MS = 3_000
const AT_ONCE = 8
const SCAN_COUNT = 200

/** Compares what changed with its limits, shard by shard, until it is stopped. */
export function startJudge(options: JudgeLoopOptions): { stop: () => Promise<void> } {
  let isStopped = false
  let wake: () => void = () => undefined
  const run = async (): Promise<void> => {
    while (!isStopped) {
      for (const keys of options.shards) {
        if (isStopped) break
        await judgeShard(options, keys).catch((error: unknown) => {
          options.log.warn({ err: error, shard: keys.shard }, 'the shard was not judged; it will be')
        })
      }
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, ROUND_MS)
      })
    }
  }
  const running = run()
  return {
    stop: async () => {
      isStopped = true
      wake()
      await running
    },
  }
}

async function judgeShard(options: JudgeLoopOptions, keys: ShardKeys): Promise<void> {
  const { redis, name } = options
  if ((await redis.hlen(keys.judge)) === 0) return
  const lease = keys.lease('judge')
  const holder = await redis.set(lease, name, 'PX', LEASE_MS, 'NX', 'GET')
  if (holder !== null && holder !== name) return
  await redis.pexpire(lease, LEASE_MS)
  let cursor = '0'
  do {
    const [next, entries] = await redis.hscan(keys.judge, cursor, 'COUNT', SCAN_COUNT)
    const waiting = pairsOf(entries)
    for (let from = 0; from < waiting.length; from += AT_ONCE) {
      await Promise.all(waiting.slice(from, from + AT_ONCE).map((entry) => judgeOne(options, keys, entry)))
    }
    cursor = next
  } while (cursor !== '0')
}

interface Waiting {
  readonly workspace: string
  readonly value: string
}

async function judgeOne({ deps, redis }: JudgeLoopOptions, keys: ShardKeys, waiting: Waiting): Promise<void> {
  const { workspace, value } = waiting
  const raisedAt = value.slice(value.indexOf('|') + 1)
  const outcome = await judgeWorkspace(deps, {
    workspace,
    raisedAt: raisedAt === '' ? null : Number(raisedAt),
  })
  if (outcome !== 'unknown') await forgetStamp(redis, { hash: keys.judge, workspace, value })
}

function pairsOf(entries: readonly string[]): readonly Waiting[] {
  return entries.flatMap((workspace, index) =>
    index % 2 === 0 ? [{ workspace, value: entries[index + 1] ?? '' }] : [],
  )
}
