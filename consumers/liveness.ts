/** Where a partition stands, as it is seen now and then. */
export interface Progress {
  readonly partition: number
  /** Null while it is being opened. */
  readonly position: number | null
  /** Records that are there and not counted. */
  readonly lag: number
  /** A batch is being handled, or waits for something that does not answer. */
  readonly isBusy: boolean
}

interface Standing {
  readonly position: number | null
  readonly lag: number
  readonly since: number
  readonly isBusy: boolean
}

/** How long a partition may wait for Redis, MongoDB or the registry before the process says it is not ready. */
const UNREADY_AFTER_MS = 10_000

/** How every partition of a process stands, seen now. */
export function progressOf(
  standings: readonly Pick<Progress, 'partition' | 'position' | 'isBusy'>[],
  ends: ReadonlyMap<number, number>,
): readonly Progress[] {
  return standings.map((own) => {
    const end = ends.get(own.partition) ?? 0
    return { ...own, lag: own.position === null ? 0 : Math.max(end - own.position, 0) }
  })
}

/**
 * Notices when records are there and none is taken.
 *
 * A Kafka client that stopped delivering is of no more use: the process must end. A batch that waits for another
 * engine is kept and tried again: the process is not ready, but ending it would help nobody.
 */
export class Liveness {
  readonly #topic: string
  readonly #now: () => number
  readonly #stalledMaxMs: number
  readonly #standing = new Map<number, Standing>()
  readonly #recreated = new Map<number, string>()

  constructor(options: {
    readonly topic: string
    readonly now: () => number
    readonly stalledMaxMs: number
  }) {
    this.#topic = options.topic
    this.#now = options.now
    this.#stalledMaxMs = options.stalledMaxMs
  }

  /** Takes note of where the partitions of this process stand; of others nothing is kept. */
  observe(progress: readonly Progress[]): void {
    const own = new Set(progress.map(({ partition }) => partition))
    for (const known of [this.#standing, this.#recreated]) {
      for (const partition of known.keys()) if (!own.has(partition)) known.delete(partition)
    }
    for (const one of progress) this.#observe(one)
  }

  #observe({ partition, position, lag, isBusy }: Progress): void {
    const before = this.#standing.get(partition)
    const stands = (lag > 0 || position === null) && before?.position === position && before.isBusy === isBusy
    const since = stands ? before.since : this.#now()
    this.#standing.set(partition, { position, lag, since, isBusy })
    if (position !== null) this.#recreated.delete(partition)
  }

  /** Records that are there and not counted, of all partitions. */
  backlog(): number {
    return [...this.#standing.values()].reduce((sum, { lag }) => sum + lag, 0)
  }

  /** A partition's log ends before what was counted of it: its topic was made anew, or lost its end. */
  recreated(partition: number, reason: string): void {
    this.#recreated.set(partition, reason)
  }

  /**
   * Why the process must end, or null.
   *
   * A client hands out batches of a few partitions at once: while one of them waits for an engine, others wait behind it.
   */
  fatal(): string | null {
    const waiting = this.#waiting(Math.min(UNREADY_AFTER_MS, this.#stalledMaxMs))
    if (waiting.some(([, { isBusy }]) => isBusy)) return null
    const stalled = this.#waiting(this.#stalledMaxMs).filter(
      ([, { position, isBusy }]) => position !== null && !isBusy,
    )
    return stalled.length === 0
      ? null
      : `Kafka delivers nothing of partition ${names(stalled)} of ${this.#topic}, though records are there, for ${this.#stalledMaxMs / 1_000} s`
  }

  /** Why the process is not ready, or null. */
  unready(): string | null {
    const [recreated] = this.#recreated.values()
    if (recreated !== undefined) return recreated
    const waiting = this.#waiting(UNREADY_AFTER_MS)
    if (waiting.length === 0) return null
    const closed = waiting.filter(([, { position }]) => position === null)
    return closed.length > 0
      ? `partition ${names(closed)} of ${this.#topic} could not be opened yet; the log says why`
      : `partition ${names(waiting)} of ${this.#topic} has not moved on, though records are there`
  }

  #waiting(longerThanMs: number): readonly (readonly [number, Standing])[] {
    const isAwaited = ({ lag, position }: Standing): boolean => lag > 0 || position === null
    return [...this.#standing].filter(([, own]) => isAwaited(own) && this.#now() - own.since > longerThanMs)
  }
}

/** Why a process must end, and why it is not ready; null where there is no reason. */
export interface KafkaWatch {
  readonly fatal: () => string | null
  readonly unready: () => string | null
}

/**
 * What is wrong with a process and Kafka: that does not answer, or records of a topic are there and none is taken.
 *
 * `idleMs` says how long Kafka has not answered. Of its silence a process tells well before it ends, so that somebody sees why.
 */
export function watchKafka({ idleMs, topics, stalledMaxMs }: WatchOptions): KafkaWatch {
  const silence = (longerThanMs: number): string | null =>
    idleMs() < longerThanMs ? null : `Kafka has not answered for ${Math.round(idleMs() / 1_000)} s`
  const first = (problemOf: (own: Liveness) => string | null): string | null =>
    topics.map(problemOf).find((problem) => problem !== null) ?? null
  return {
    fatal: () => silence(stalledMaxMs) ?? first((own) => own.fatal()),
    unready: () => silence(Math.min(UNREADY_AFTER_MS, stalledMaxMs / 2)) ?? first((own) => own.unready()),
  }
}

interface WatchOptions {
  readonly idleMs: () => number
  readonly topics: readonly Liveness[]
  readonly stalledMaxMs: number
}

function names(standing: readonly (readonly [number, Standing])[]): string {
  return standing.map(([partition]) => partition).join(', ')
}
