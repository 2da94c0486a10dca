import type { Instant } from '../instant.ts'
import {
  addCounts,
  countOf,
  type DecisionCount,
  isDenial,
  type NotedDecision,
  nameOf,
} from './decision-count.ts'

/** Of so many allows one is kept; denials are all counted. */
export const ALLOWS_PER_SAMPLE = 100

/** Kinds of decisions held at once; beyond that a new kind is dropped until they are taken. */
export const KINDS_MAX = 10_000

/** Counts decisions in memory until they are taken away: no call waits, none fails, and the memory is bounded. */
export class DecisionGatherer {
  readonly #kindsMax: number
  #counts = new Map<string, DecisionCount>()
  #allows = 0
  #dropped = 0

  constructor(kindsMax = KINDS_MAX) {
    this.#kindsMax = kindsMax
  }

  /** Notes a decision. */
  note(decision: NotedDecision, at: Instant): void {
    if (!isDenial(decision)) {
      this.#allows += 1
      if (this.#allows % ALLOWS_PER_SAMPLE !== 1) return
    }
    const count = countOf(decision, at)
    const name = nameOf(count)
    const before = this.#counts.get(name)
    if (before === undefined && this.#counts.size >= this.#kindsMax) this.#dropped += 1
    else this.#counts.set(name, before === undefined ? count : addCounts(before, count))
  }

  /** Everything counted since the last call, and how many decisions found no room. */
  take(): { readonly counts: readonly DecisionCount[]; readonly dropped: number } {
    const taken = { counts: [...this.#counts.values()], dropped: this.#dropped }
    this.#counts = new Map()
    this.#dropped = 0
    return taken
  }
}
