import type { Logger } from 'pino'

/** How often it speaks at most, ms. */
const EVERY_MS = 10_000

/** Logs how often things happened that happen to every request: one line in ten seconds, and none without them. */
export class TallyLog {
  readonly #log: Logger
  readonly #message: string
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null

  constructor(log: Logger, message: string) {
    this.#log = log
    this.#message = message
  }

  /** Counts one; `what` must be of a few words that are known beforehand. */
  note(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1)
    this.#timer ??= setTimeout(() => this.flush(), EVERY_MS).unref()
  }

  /** Says what was not said yet. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#counts.size === 0) return
    this.#log.warn({ counts: Object.fromEntries(this.#counts) }, this.#message)
    this.#counts.clear()
  }
}
