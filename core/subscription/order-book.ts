import type { Instant } from '../instant.ts'
import { isOfTerm } from './order-kinds.ts'
import type { Order, PaymentAttempt } from './subscription.ts'

/** An order as the history keeps it. */
export interface KeptOrder extends Order {
  /** Sentence of the refusal, when the order broke the payment rules. */
  readonly refused: string | null
}

/** Whether a version pays an order: one that was paid before is merely restated. */
export function paysNow({ status }: Order, known: KeptOrder | null): boolean {
  return status === 'paid' && !(known?.status === 'paid' && known.refused === null)
}

interface CountrySince {
  readonly country: string
  readonly since: Instant
}

/**
 * The orders of the versions folded so far, and where they were placed from.
 *
 * One that every version would copy makes a fold take the square of its orders: it grows, so a fold keeps its own
 * and shows it to nobody before its end.
 */
export class OrderBook {
  readonly #orders = new Map<string, KeptOrder>()
  readonly #countries: CountrySince[] = []
  /** Ids of orders for a term that were pending since the last one was paid; the last was heard of last. */
  readonly #waiting: string[] = []
  /** By order: the attempt that it waits with, which may not be its last. */
  readonly #attempts = new Map<string, PaymentAttempt | null>()

  /** An order as it was kept last; null for one that is new. */
  order(orderId: string): KeptOrder | null {
    return this.#orders.get(orderId) ?? null
  }

  /** Keeps an order as it is now, in its first place. */
  keep(order: KeptOrder): void {
    const known = this.order(order.orderId)
    this.#orders.set(order.orderId, order)
    if (order.refused !== null || !isOfTerm(order)) return
    if (paysNow(order, known)) this.#waiting.length = 0
    if (order.status === 'pending') this.#waiting.push(order.orderId)
  }

  /** Keeps which attempt an order waits with, and gives the order back. */
  waitsWith(order: Order): Order {
    this.#attempts.set(order.orderId, order.attempt)
    return order
  }

  /** The attempt that an order waits with; null for one that was never tried, or is new. */
  attemptOf(orderId: string): PaymentAttempt | null {
    return this.#attempts.get(orderId) ?? null
  }

  /** The order for a term that waits for its payment; of several, the one heard of last. Null where none does. */
  waiting(): Order | null {
    for (;;) {
      const kept = this.#orders.get(this.#waiting.at(-1) ?? '')
      if (kept === undefined) return null
      const { refused, ...order } = kept
      if (refused === null && order.status === 'pending')
        return { ...order, attempt: this.attemptOf(order.orderId) }
      this.#waiting.pop()
    }
  }

  /** The country that the last version dated by then stated; null before the first. */
  countryAt(at: Instant): string | null {
    let low = 0
    let high = this.#countries.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#countries[middle]?.since ?? 0) <= at) low = middle + 1
      else high = middle
    }
    return this.#countries[low - 1]?.country ?? null
  }

  /** Notes the country that the next version states; of versions dated at or after it, it is the last from now on. */
  orderedFrom(country: string, since: Instant): void {
    if (this.#countries.at(-1)?.country === country) return
    while ((this.#countries.at(-1)?.since ?? -1) >= since) this.#countries.pop()
    this.#countries.push({ country, since })
  }

  /** All orders by their ids. */
  orders(): Readonly<Record<string, KeptOrder>> {
    return Object.fromEntries(this.#orders)
  }
}
