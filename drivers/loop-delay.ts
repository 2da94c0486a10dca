/** How often the loop is judged, ms. */
export const TICK_MS = 20
/** How much the latest tick says, against all before it: a single pause must be three times as long as what counts. */
const WEIGHT = 0.3

/** How late the event loop of this process is: what passes by is smoothed away, having too much to do is not. */
export class LoopDelay {
  #smoothedMs = 0
  #lastAt: number

  constructor(now: number) {
    this.#lastAt = now
  }

  /**
   * How late timers run, ms: smoothed, and at least what the next one is late already. A round of the loop that takes too
   * much on says so before it ends, and a collection of garbage that is shorter than what counts does not.
   */
  lateMs(now: number): number {
    return Math.max(this.#smoothedMs, now - this.#lastAt - TICK_MS)
  }

  /** Takes note that a timer of `TICK_MS` ran now. */
  tick(now: number): void {
    const lateMs = Math.max(now - this.#lastAt - TICK_MS, 0)
    this.#smoothedMs += WEIGHT * (lateMs - this.#smoothedMs)
    this.#lastAt = now
  }
}

/** Watches the event loop for as long as the process lives. */
export function watchLoop(): LoopDelay {
  const delay = new LoopDelay(performance.now())
  setInterval(() => delay.tick(performance.now()), TICK_MS).unref()
  return delay
}
