import type { Logger } from 'pino'
import type { Redis } from '#drivers/redis/connection.ts'
import { tellEnforcementLags } from '#drivers/redis/enforcement-lags.ts'
import { type Rounds, startRounds } from '../rounds.ts'

/** How often it is told, ms; what is told is the worst of the last two rounds, so that a look between two misses nothing. */
const EVERY_MS = 5_000

/** Keeps the longest time from append to counted by partition, and tells it for the ops page to show. */
export class LagTeller {
  #older = new Map<number, number>()
  #newer = new Map<number, number>()

  /** A slice of a partition was counted so long after its records were appended, ms. */
  observe(partition: number, lagMs: number): void {
    this.#newer.set(partition, Math.max(this.#newer.get(partition) ?? 0, Math.round(lagMs)))
  }

  /** The worst of each partition since the round before the last; begins the next round. */
  turn(): ReadonlyMap<number, number> {
    const worst = new Map(this.#older)
    for (const [partition, ms] of this.#newer) worst.set(partition, Math.max(ms, worst.get(partition) ?? 0))
    this.#older = this.#newer
    this.#newer = new Map()
    return worst
  }

  /** Tells it until stopped; what cannot be told now is left out, for it is of now. */
  start({
    redis,
    now,
    log,
  }: {
    readonly redis: Redis
    readonly now: () => number
    readonly log: Logger
  }): Rounds {
    return startRounds(EVERY_MS, () =>
      tellEnforcementLags(redis, this.turn(), now()).catch((error: unknown) => {
        log.debug({ err: error }, 'the lag of counting was not told')
      }),
    )
  }
}
