interface Waiting {
  readonly weight: number
  readonly enter: () => void
}

/**
 * Lets only so much be under way at once; the other calls wait in the order they came.
 *
 * For a server that runs one call after another: what waits here does not stand before others' calls there. Calls have a
 * weight, so that many light ones go together, in one write, where few heavy ones would. One that is heavier than all
 * that may be under way goes alone.
 */
export class Turnstile {
  readonly #capacity: number
  readonly #waiting: Waiting[] = []
  #underWay = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Runs a call as soon as there is room for it and nobody waits before it; settles as the call does. */
  async pass<Value>(weight: number, call: () => Promise<Value>): Promise<Value> {
    if (this.#waiting.length > 0 || !this.#hasRoomFor(weight))
      await new Promise<void>((enter) => this.#waiting.push({ weight, enter }))
    else this.#underWay += weight
    try {
      return await call()
    } finally {
      this.#underWay -= weight
      this.#letIn()
    }
  }

  #hasRoomFor(weight: number): boolean {
    return this.#underWay === 0 || this.#underWay + weight <= this.#capacity
  }

  #letIn(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#hasRoomFor(next.weight);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      this.#underWay += next.weight
      next.enter()
    }
  }
}
