import { Counter, type Registry } from 'prom-client'
import type { NotedDecision } from '#core/decisions/decision-count.ts'
import type { Reason } from '#core/entitlement/decision.ts'

/** Decisions of one feature and reason since the last scrape: those as usual, and those by policy. */
interface Tally {
  usual: number
  degraded: number
}

/**
 * `tallygate_decisions_total`, counted aside and moved over when it is scraped.
 *
 * Every check passes here, and a counter with labels spends a microsecond on making a key of them. Features are those
 * of the catalogue and reasons a closed list, so that there are never many.
 */
export class DecisionTally {
  readonly #tallies = new Map<string, Map<Reason, Tally>>()

  constructor(registry: Registry) {
    const tallies = this.#tallies
    new Counter({
      name: 'tallygate_decisions_total',
      help: 'Decisions by feature, reason and whether they were degraded',
      labelNames: ['feature', 'reason', 'degraded'] as const,
      registers: [registry],
      collect() {
        for (const [feature, byReason] of tallies) {
          for (const [reason, tally] of byReason) {
            this.inc({ feature, reason, degraded: 'false' }, tally.usual)
            this.inc({ feature, reason, degraded: 'true' }, tally.degraded)
            tally.usual = 0
            tally.degraded = 0
          }
        }
      },
    })
  }

  /** Counts a decision that was given out. */
  note({ feature, reason, degraded }: Pick<NotedDecision, 'feature' | 'reason' | 'degraded'>): void {
    const tally = this.#tallies.get(feature)?.get(reason) ?? this.#begin(feature, reason)
    if (degraded === true) tally.degraded += 1
    else tally.usual += 1
  }

  #begin(feature: string, reason: Reason): Tally {
    const tally: Tally = { usual: 0, degraded: 0 }
    const byReason = this.#tallies.get(feature) ?? new Map<Reason, Tally>()
    this.#tallies.set(feature, byReason.set(reason, tally))
    return tally
  }
}
