import { TallygateError } from '#core/errors.ts'
import { inTime } from './in-time.ts'

/** What a circuit stands in front of, and how patient it is. */
export interface CircuitOptions {
  /** As messages and metrics name it. */
  readonly dependency: string
  /** A call without an answer by then has failed, ms, unless it states a time of its own. */
  readonly withinMs: number
  /** Whether an error is an answer of the dependency, so that nothing is wrong with reaching it. */
  readonly isAnswer: (error: unknown) => boolean
  /** A clock that never goes back, ms. */
  readonly now: () => number
  /** It was opened or closed. */
  readonly onChange: (isOpen: boolean) => void
}

/** Failures in a row that open it. */
export const FAILURES_MAX = 5
/** How long after opening, or after a probe that failed, the next call is let through, ms. */
export const PROBE_EVERY_MS = 500
/** Nothing is known any more of a dependency that nobody asked for so long, ms. */
export const UNASKED_MAX_MS = 60_000

/**
 * Stops asking a dependency that does not answer, so that callers hear so at once instead of waiting.
 *
 * Opens after five failures in a row. While it is open one call every half second goes through as a probe, and its
 * success closes it; so does a minute in which nobody asks. Only calls that began since the last change count: what was
 * under way when it opened says nothing of now.
 */
export class Circuit {
  readonly #options: CircuitOptions
  #failures = 0
  /** When the next probe may go; null while closed. */
  #probeAt: number | null = null
  #isProbing = false
  #era = 0

  constructor(options: CircuitOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#probeAt !== null
  }

  /** Closes it where nobody has asked for a minute: it may be back, and who asks next finds out. */
  lapse(): void {
    if (this.#probeAt !== null && this.#options.now() - this.#probeAt > UNASKED_MAX_MS) this.#change(null)
  }

  /** Throws `unavailable` when a call would not be made now. */
  requirePassable(): void {
    if (this.#probeAt === null) return
    const { dependency, now } = this.#options
    if (!this.#isProbing && now() >= this.#probeAt) return
    throw new TallygateError('unavailable', `${dependency} has not answered lately; try again in a second`)
  }

  /** Makes a call. Throws `unavailable` when it is not made or not answered in time, else what the call throws. */
  async call<Value>(work: () => Promise<Value>, withinMs = this.#options.withinMs): Promise<Value> {
    this.requirePassable()
    this.#isProbing = this.isOpen
    const era = this.#era
    const { dependency } = this.#options
    const late = (): Error =>
      new TallygateError('unavailable', `${dependency} did not answer within ${withinMs} ms; try again`)
    try {
      const value = await inTime(work(), { withinMs, late })
      this.#answered(era)
      return value
    } catch (error) {
      if (this.#isAnswer(error)) this.#answered(era)
      else this.#failed(era)
      if (error instanceof TallygateError || this.#options.isAnswer(error)) throw error
      throw new TallygateError('unavailable', `${dependency} did not answer; try again`, {}, error)
    }
  }

  #isAnswer(error: unknown): boolean {
    const isNamed =
      error instanceof TallygateError && error.code !== 'unavailable' && error.code !== 'unknown'
    return isNamed || this.#options.isAnswer(error)
  }

  #answered(era: number): void {
    if (era !== this.#era) return
    this.#failures = 0
    if (this.#probeAt !== null) this.#change(null)
  }

  #failed(era: number): void {
    if (era !== this.#era) return
    this.#failures += 1
    const probeAt = this.#options.now() + PROBE_EVERY_MS
    if (this.#probeAt !== null) {
      this.#probeAt = probeAt
      this.#isProbing = false
    } else if (this.#failures >= FAILURES_MAX) this.#change(probeAt)
  }

  #change(probeAt: number | null): void {
    this.#probeAt = probeAt
    this.#isProbing = false
    this.#failures = 0
    this.#era += 1
    this.#options.onChange(probeAt !== null)
  }
}
