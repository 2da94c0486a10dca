interface Waiting {
  readonly weight: number
  readonly enter: () => void
}

/**
 * Lets what computes for long begin by turns: only so much of it in each round of the event loop, in the order it came.
 *
 * Between two rounds the process reads its sockets, and takes one new connection: where a round does all there is at once, who
 * connects meanwhile waits for as many rounds as others connected before him, and cannot even be turned away.
 */
export class Turns {
  readonly #weightPerRound: number
  readonly #waiting: Waiting[] = []

  constructor(weightPerRound: number) {
    this.#weightPerRound = weightPerRound
  }

  /** Resolves in the round whose turn it is; what is heavier than a round has one for itself. */
  wait(weight: number): Promise<void> {
    return new Promise((enter) => {
      this.#waiting.push({ weight, enter })
      if (this.#waiting.length === 1) setImmediate(() => this.#round())
    })
  }

  #round(): void {
    let weight = 0
    const isFull = (next: Waiting): boolean => weight > 0 && weight + next.weight > this.#weightPerRound
    for (let next = this.#waiting[0]; next !== undefined && !isFull(next); next = this.#waiting[0]) {
      this.#waiting.shift()
      weight += next.weight
      next.enter()
    }
    if (this.#waiting.length > 0) setImmediate(() => this.#round())
  }
}
