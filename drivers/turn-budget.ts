import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Lets only so much be done in one turn of the event loop, whoever does it; what is more waits for the next one, in the order it
 * came. Many who each read a batch would together hold the loop for a tenth of a second, and whatever they could be sending
 * meanwhile, or hearing, would stand still.
 */
export class TurnBudget {
  readonly #most: number
  #done = 0
  /** The next turn, while something was done in this one. */
  #next: Promise<void> | null = null

  /** `most`: what fits into one turn, in whatever is counted. */
  constructor(most: number) {
    this.#most = most
  }

  /** Resolves when so much more may be done: at once while this turn has room, however much that asks for. */
  async take(amount: number): Promise<void> {
    while (this.#next !== null && this.#done >= this.#most) await this.#next
    this.#done += amount
    this.#next ??= nextTurn().then(() => {
      this.#done = 0
      this.#next = null
    })
  }
}
