import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { Pause } from '#core/operations/look-again.ts'

/** What part of the requests that a process takes on at once may be waits of one key. */
const SHARE = 4

/**
 * Requests of each key that wait for what is not counted yet.
 *
 * Each takes a place for two seconds and costs its key one request: without a bound one key's waits take all places, and
 * everybody else is turned away.
 */
export class KeyWaits {
  readonly #max: number
  readonly #pause: Pause
  readonly #waiting = new Map<string, number>()

  constructor(inFlightMax: number, pause: Pause) {
    this.#max = Math.max(Math.floor(inFlightMax / SHARE), 1)
    this.#pause = pause
  }

  /** A pause for a request of a key. It throws `overloaded` where as many of that key wait as may. */
  of(key: ApiKey | null): Pause {
    const id = key?.id ?? ''
    return async (forMs) => {
      const waiting = this.#waiting.get(id) ?? 0
      if (waiting >= this.#max) {
        const message = `${waiting} requests of the key ${id} wait for what is not counted yet; wait in fewer at once`
        throw new TallygateError('overloaded', message)
      }
      this.#waiting.set(id, waiting + 1)
      await Promise.resolve(this.#pause(forMs)).finally(() => this.#leave(id))
    }
  }

  #leave(id: string): void {
    const left = (this.#waiting.get(id) ?? 1) - 1
    if (left > 0) this.#waiting.set(id, left)
    else this.#waiting.delete(id)
  }
}
