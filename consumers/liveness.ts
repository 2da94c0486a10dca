/** Where a partition stands, as the timer that marks it sees it. */
export interface Progress {
  readonly partition: number
  readonly position: number
  /** Records that are there and not counted. */
  readonly lag: number
  /** A batch is being handled, or waits for something that does not answer. */
  readonly isBusy: boolean
}

interface Standing {
  readonly position: number
  readonly lag: number
  readonly since: number
  readonly isBusy: boolean
}

/** How long a partition may wait for Redis, MongoDB or the registry before the process says it is not ready. */
const UNREADY_AFTER_MS = 10_000

/**
 * Notices when records are there and none is taken.
 *
 * A Kafka client that stopped delivering is of no more use: the process must end. A batch that waits for another
 * engine is kept and tried again: the process is not ready, but ending it would help nobody.
 */
export class Liveness {
  readonly #now: () => number
  readonly #stalledMaxMs: number
  readonly #standing = new Map<number, Standing>()
  readonly #recreated = new Map<number, string>()

  constructor(options: { readonly now: () => number; readonly stalledMaxMs: number }) {
    this.#now = options.now
    this.#stalledMaxMs = options.stalledMaxMs
  }

  /** Takes note of where a partition stands. */
  observe({ partition, position, lag, isBusy }: Progress): void {
    const before = this.#standing.get(partition)
    const stands = lag > 0 && before?.position === position && before.isBusy === isBusy
    const since = stands ? before.since : this.#now()
    this.#standing.set(partition, { position, lag, since, isBusy })
    this.#recreated.delete(partition)
  }

  /** Keeps only what this process still owns. */
  keep(partitions: ReadonlySet<number>): void {
    for (const partition of this.#standing.keys()) {
      if (!partitions.has(partition)) this.#standing.delete(partition)
    }
  }

  /** Records that are there and not counted, of all partitions. */
  backlog(): number {
    return [...this.#standing.values()].reduce((sum, { lag }) => sum + lag, 0)
  }

  /** A partition's log ends before what was counted of it: its topic was deleted and made anew. */
  recreated(partition: number, reason: string): void {
    this.#recreated.set(partition, reason)
  }

  /** Why the process must end, or null. */
  fatal(): string | null {
    const stalled = this.#waiting(this.#stalledMaxMs).filter(([, { isBusy }]) => !isBusy)
    return stalled.length === 0
      ? null
      : `Kafka delivers nothing of partition ${names(stalled)}, though records are there, for ${this.#stalledMaxMs / 1_000} s`
  }

  /** Why the process is not ready, or null. */
  unready(): string | null {
    const [recreated] = this.#recreated.values()
    if (recreated !== undefined) return recreated
    const waiting = this.#waiting(UNREADY_AFTER_MS)
    return waiting.length === 0
      ? null
      : `partition ${names(waiting)} has not moved on, though records are there`
  }

  #waiting(longerThanMs: number): readonly (readonly [number, Standing])[] {
    return [...this.#standing].filter(([, { since }]) => this.#now() - since > longerThanMs)
  }
}

function names(standing: readonly (readonly [number, Standing])[]): string {
  return standing.map(([partition]) => partition).join(', ')
}
