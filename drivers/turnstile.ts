/**
 * Lets only so many calls be under way at once; the others wait in the order they came.
 *
 * For a server that runs one call after another: what waits here does not stand before others' calls there.
 */
export class Turnstile {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(places: number) {
    this.#free = places
  }

  /** Runs a call as soon as there is a place; settles as the call does. */
  async pass<Value>(call: () => Promise<Value>): Promise<Value> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free -= 1
    try {
      return await call()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
