import type { CounterReading } from '#core/ports.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { openNearCounters } from '#drivers/redis/near-link.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { eventually } from './eventually.ts'

/** No answer is by an older state of Redis, ms. */
export const BOUND_MS = 250
const PLAN = { fields: ['leads', 'h:leads'], sets: [{ meter: 'numbers', subject: '+1' }] }

interface NearApiOptions {
  readonly url: string
  /** What is asked while nothing is told of changes. */
  readonly others: Redis
  readonly shards: readonly ShardKeys[]
}

/** The near counters of an API, and what its checks see: workspaces of partition 0, their leads and one number. */
export async function openNearApi({ url, others, shards }: NearApiOptions) {
  const partitionOf = (): number => 0
  const direct = redisCounterStore({ redis: others, shards, partitionOf })
  const warnings: string[] = []
  const asked = { direct: 0 }
  const { near, close } = openNearCounters({
    commandTimeoutMs: 1_000,
    silenceMaxMs: 3_000,
    url,
    log: { warn: (...line: readonly unknown[]) => void warnings.push(String(line[1])) },
    direct: {
      read: (...question) => {
        asked.direct += 1
        return direct.read(...question)
      },
    },
    shards,
    partitions: 1,
    partitionOf,
    ageMaxMs: BOUND_MS,
  })
  const kept = new Map<string, CounterReading>()
  const isStanding = (workspace: string): boolean => (kept.get(workspace)?.standing?.now() ?? null) !== null
  /** What stands, else what Redis says. */
  const see = async (workspace: string): Promise<CounterReading> => {
    const known = kept.get(workspace)
    if (known !== undefined && isStanding(workspace)) return known
    const reading = await near.read(workspace, PLAN)
    kept.set(workspace, reading)
    return reading
  }
  const stands = (workspace: string): Promise<boolean> =>
    eventually(
      async () => {
        await see(workspace)
        return isStanding(workspace)
      },
      (isKept) => isKept,
      { what: `a reading of ${workspace} that stands`, withinMs: 10_000 },
    )
  return { see, stands, isStanding, warnings, asked, close }
}
