import { Gauge, type Registry } from 'prom-client'
import type { ShardState } from './shard-states.ts'

interface MeasureOptions {
  readonly states: () => Promise<readonly ShardState[]>
  readonly now: () => number
}

/**
 * Has a scrape say how the counters of the whole install are, whichever process is asked; nothing while Redis does not
 * answer.
 */
export function measureShards(registry: Registry, { states, now }: MeasureOptions): void {
  let underWay: Promise<readonly ShardState[]> | null = null
  const read = (): Promise<readonly ShardState[]> => {
    underWay ??= states()
      .catch(() => [])
      .finally(() => {
        underWay = null
      })
    return underWay
  }
  const registers = [registry]
  const rebuilding = new Gauge({
    name: 'tallygate_shards_rebuilding',
    help: 'Shards whose counters are not whole, so that their workspaces are answered by policy; the same in every process',
    registers,
    collect: async () => {
      const all = await read()
      if (all.length === 0) rebuilding.remove()
      else rebuilding.set(all.filter(({ isReady }) => !isReady).length)
    },
  })
  const behind = new Gauge({
    name: 'tallygate_counters_behind_seconds',
    help: 'How long ago the counters of a partition were level with its log, or came, by the shard that is furthest behind; the same in every process',
    labelNames: ['partition'] as const,
    registers,
    collect: async () => {
      behind.reset()
      for (const [partition, at] of leastCovered(await read())) {
        behind.set({ partition: String(partition) }, Math.max(now() - at, 0) / 1_000)
      }
    },
  })
  const missing = new Gauge({
    name: 'tallygate_use_missing_shards',
    help: 'Shards that miss use of a partition, because its log was cut or made anew before all of it was counted: their answers are not exact; the same in every process',
    labelNames: ['partition'] as const,
    registers,
    collect: async () => {
      missing.reset()
      for (const { lowerBounds } of await read()) {
        for (const partition of lowerBounds) missing.inc({ partition: String(partition) })
      }
    },
  })
}

/** Up to when every shard covers a partition. */
function leastCovered(states: readonly ShardState[]): ReadonlyMap<number, number> {
  const least = new Map<number, number>()
  for (const { coveredAt } of states) {
    for (const [partition, at] of coveredAt) least.set(partition, Math.min(least.get(partition) ?? at, at))
  }
  return least
}
