import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { Pause } from '#core/operations/look-again.ts'
import type { Capacity } from './shedding.ts'

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
  readonly #onShed: Capacity['onShed']
  readonly #waiting = new Map<string, number>()

  constructor({ inFlightMax, onShed }: Pick<Capacity, 'inFlightMax' | 'onShed'>, pause: Pause) {
    this.#max = Math.max(Math.floor(inFlightMax / SHARE), 1)
    this.#pause = pause
    this.#onShed = onShed
  }

  /**
   * Does what may wait for a key. It counts from its first pause until it is done, also while it looks, so that none that
   * came later takes its place; what pauses never takes none. Throws `overloaded` where as many of that key wait as may.
   */
  async during<Value>(key: ApiKey | null, work: (pause: Pause) => Promise<Value>): Promise<Value> {
    const id = key?.id ?? ''
    let waits = false
    const pause: Pause = (forMs) => {
      if (!waits) this.#enter(id)
      waits = true
      return this.#pause(forMs)
    }
    try {
      return await work(pause)
    } finally {
      if (waits) this.#leave(id)
    }
  }

  #enter(id: string): void {
    const waiting = this.#waiting.get(id) ?? 0
    if (waiting >= this.#max) {
      this.#onShed('waits', id)
      const message = `${waiting} requests of the key ${id} wait for what is not counted yet; wait in fewer at once`
      throw new TallygateError('overloaded', message)
    }
    this.#waiting.set(id, waiting + 1)
  }

  #leave(id: string): void {
    const left = (this.#waiting.get(id) ?? 1) - 1
    if (left > 0) this.#waiting.set(id, left)
    else this.#waiting.delete(id)
  }
}
