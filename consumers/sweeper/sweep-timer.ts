import type { Logger } from 'pino'
import type { SweeperMetrics } from '#drivers/metrics.ts'
import { redisTime } from '#drivers/redis/clock.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { type Rounds, startRounds } from '../rounds.ts'
import { type SweepDeps, sweepShard } from './sweep-shard.ts'

interface TimerOptions extends Omit<SweepDeps, 'onSwept'> {
  readonly shards: readonly ShardKeys[]
  readonly log: Logger
  readonly name: string
  readonly metrics: SweeperMetrics
}

/** What has expired is given back within about this and the time of one round: 5 s are promised (G10). */
const EVERY_MS = 1_000
/** One sweeper a shard is enough; a second one does no harm. */
const LEASE_MS = 3_000

/**
 * Sweeps every shard until it is stopped, each at its own pace.
 *
 * What is produced again is not waited for: Kafka may be away, and what has expired needs it not.
 */
export function startSweeping(options: TimerOptions): Rounds {
  const { log, sink } = options
  const sending = new Set<Promise<void>>()
  const produce: SweepDeps['sink']['produce'] = async (events) => {
    const sent: Promise<void> = sink
      .produce(events)
      .catch((error: unknown) => log.warn({ err: error }, 'events were not produced; they will be again'))
      .finally(() => sending.delete(sent))
    sending.add(sent)
  }
  const rounds = options.shards.map((keys) =>
    startRounds(EVERY_MS, (isStopped) => visit({ ...options, sink: { produce }, isStopped }, keys)),
  )
  return {
    stop: async () => {
      await Promise.all(rounds.map(({ stop }) => stop()))
      await Promise.all(sending)
    },
  }
}

interface Visit extends TimerOptions {
  readonly isStopped: () => boolean
}

async function visit(options: Visit, keys: ShardKeys): Promise<void> {
  const { redis, log, metrics, isStopped } = options
  try {
    const [, dueAt] = await redis.zrangebyscore(keys.due, '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if (dueAt === undefined || Number(dueAt) > (await redisTime(redis, keys))) return
    if (!(await hasLease(options, keys))) return
    const onSwept: SweepDeps['onSwept'] = (outcome, workspace, operation) => {
      metrics.swept.inc({ outcome })
      if (outcome !== 'dropped') return
      log.error(
        { workspace, operation },
        'a hold is older than any may be and was dropped; its events never arrived, see that Kafka takes them',
      )
    }
    await sweepShard({ ...options, onSwept }, keys, async () => !isStopped() && hasLease(options, keys))
  } catch (error) {
    log.warn({ err: error, shard: keys.shard }, 'the shard was not swept; what is due is looked at again')
  }
}

async function hasLease({ redis, name }: TimerOptions, keys: ShardKeys): Promise<boolean> {
  const lease = keys.lease('sweep')
  const holder = await redis.set(lease, name, 'PX', LEASE_MS, 'NX', 'GET')
  if (holder !== null && holder !== name) return false
  await redis.pexpire(lease, LEASE_MS)
  return true
}
