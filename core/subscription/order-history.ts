import type { SubscriptionState } from './fold.ts'
import type { KeptOrder } from './order-book.ts'

/** A stretch of a history, newest first; `next` names its last entry when older ones follow. */
export interface OrderPage {
  readonly orders: readonly KeptOrder[]
  readonly next: string | null
}

/** Where a page begins, and how long it may be. */
export interface PageWish {
  /** Order that the page before ended with; null = from the newest on. */
  readonly after: string | null
  readonly size: number
}

/**
 * Orders newest first by when they were placed (S10); null when `after` is no order of this history.
 *
 * An order that arrives between two pages moves none of the others.
 */
export function orderPage(orders: SubscriptionState['orders'], { after, size }: PageWish): OrderPage | null {
  const newestFirst = Object.values(orders).sort(byAge)
  const last = after === null ? -1 : newestFirst.findIndex(({ orderId }) => orderId === after)
  if (after !== null && last === -1) return null
  const page = newestFirst.slice(last + 1, last + 1 + size)
  const isMore = newestFirst.length > last + 1 + size
  return { orders: page, next: isMore ? (page.at(-1)?.orderId ?? null) : null }
}

/** The newer one first; of one millisecond the higher id. */
function byAge(a: KeptOrder, b: KeptOrder): number {
  return b.placedAt - a.placedAt || (a.orderId < b.orderId ? 1 : -1)
}
