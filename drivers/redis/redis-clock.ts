import type { Instant } from '#core/instant.ts'

/** One reply that states Redis' time: between these two instants of ours Redis read its clock. */
export interface StatedTime {
  /** By a clock of ours that never goes back, ms. */
  readonly sentAt: number
  readonly receivedAt: number
  /** Redis' clock, ms with its microseconds. */
  readonly now: number
}

/**
 * Redis' clock between its replies, by ours and the bounds that each reply sets (ADR 0016).
 *
 * A reply proves that Redis' clock was at least `now` when it was received, and at most `now` when it was asked for. The
 * best bound of all replies is kept as long as no later one contradicts it, so a reply that was long under way, or read
 * late, puts nothing back; a clock that is set is followed at once. Never ahead by more than one reply took.
 */
export class RedisClock {
  /** Redis' time less ours, ms. */
  #ahead = Number.NEGATIVE_INFINITY

  hear({ sentAt, receivedAt, now }: StatedTime): void {
    this.#ahead = Math.min(Math.max(this.#ahead, now - receivedAt), now - sentAt)
  }

  /** Redis' time at an instant of ours. Some reply must have been heard. */
  at(ours: number): Instant {
    return Math.floor(ours + this.#ahead)
  }
}
