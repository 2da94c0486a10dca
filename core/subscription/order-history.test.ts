import { expect, test } from 'vitest'
import type { SubscriptionState } from './fold.ts'
import type { KeptOrder } from './order-book.ts'
import { orderPage } from './order-history.ts'

function placed(orderId: string, placedAt: number): KeptOrder {
  return {
    orderId,
    kind: 'renewal',
    status: 'paid',
    amountMinor: 1_500,
    currency: 'USD',
    method: 'card',
    installments: 1,
    placedAt,
    paidAt: placedAt + 1,
    attempt: null,
    refused: null,
  }
}

function orders(...entries: readonly KeptOrder[]): SubscriptionState['orders'] {
  return Object.fromEntries(entries.map((order) => [order.orderId, order]))
}

/** Ids page by page, following the cursor to its end. */
function pagesOf(history: SubscriptionState['orders'], size: number): readonly string[] {
  const pages: string[] = []
  for (let after: string | null = null; ; ) {
    const page = orderPage(history, { after, size })
    pages.push((page?.orders ?? []).map(({ orderId }) => orderId).join(' '))
    after = page?.next ?? null
    if (after === null) return pages
  }
}

test('S10: orders come newest first by when they were placed, of one millisecond the higher id first', () => {
  const history = orders(placed('b', 5), placed('a', 9), placed('d', 1), placed('c', 5))
  expect(pagesOf(history, 50)).toEqual(['a c b d'])
})

test('S10: pages follow one another without a gap or a repetition, whatever their size', () => {
  const history = orders(...['a', 'b', 'c', 'd', 'e', 'f'].map((id, index) => placed(id, index)))
  expect(pagesOf(history, 2)).toEqual(['f e', 'd c', 'b a'])
  expect(pagesOf(history, 4)).toEqual(['f e d c', 'b a'])
  expect(pagesOf(history, 6)).toEqual(['f e d c b a'])
  expect(pagesOf({}, 6)).toEqual([''])
})

test('S10: an order that is placed between two pages moves none of the others', () => {
  const before = orders(placed('a', 1), placed('b', 2), placed('c', 3))
  const first = orderPage(before, { after: null, size: 2 })
  expect(first).toMatchObject({ next: 'b' })
  const after = orderPage({ ...before, z: placed('z', 4) }, { after: first?.next ?? null, size: 2 })
  expect(after?.orders.map(({ orderId }) => orderId)).toEqual(['a'])
})

test('S10: a cursor that is no order of this workspace has no page', () => {
  expect(orderPage(orders(placed('a', 1)), { after: 'constructor', size: 2 })).toBeNull()
})
