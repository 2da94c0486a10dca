import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultCatalogue } from '../../test/helpers/facts.ts'
import { versionsAfter } from '../../test/helpers/versions.ts'
import { foldVersions } from './fold.ts'
import { OrderBook } from './order-book.ts'
import type { Order, SubscriptionEvent } from './subscription.ts'

const rules = defaultCatalogue()

function orderOf(orderId: string, placedAt: number): Order {
  const paid = { kind: 'seats', status: 'paid', amountMinor: 1, currency: 'USD', method: 'card' } as const
  return { ...paid, orderId, installments: 1, placedAt, paidAt: placedAt, attempt: null }
}

/** So many versions, each with an order and from another country than the one before. */
function movingHistory(count: number): readonly SubscriptionEvent[] {
  const changes = Array.from({ length: count - 1 }, (_, index) => ({
    type: 'seats_changed',
    order: orderOf(`o${1_000 + index}`, index),
    is: { seats: 3 + index, country: index % 2 === 0 ? 'DE' : 'US' },
  }))
  return versionsAfter(...changes)
}

test('an order book: a country counts from when its version was dated until a later version states another', () => {
  const stated = fc.record({ country: fc.constantFrom('US', 'BR', 'DE'), since: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(stated, { maxLength: 12 }), (versions) => {
      const book = new OrderBook()
      const changes: { country: string; since: number }[] = []
      for (const { country, since } of versions) {
        book.orderedFrom(country, since)
        if (changes.at(-1)?.country !== country) changes.push({ country, since })
      }
      for (let at = -1; at <= 10; at += 1)
        expect(book.countryAt(at)).toBe(changes.findLast(({ since }) => since <= at)?.country ?? null)
    }),
    { numRuns: 2_000 },
  )
})

test('an order book: an order keeps its first place and its last state, whatever its id', () => {
  const book = new OrderBook()
  for (const orderId of ['b', '__proto__', 'a']) book.keep({ ...orderOf(orderId, 1), refused: null })
  book.keep({ ...orderOf('b', 1), refused: 'why' })
  expect(book.order('b')?.refused).toBe('why')
  expect(book.order('constructor')).toBeNull()
  expect(Object.keys(book.orders())).toEqual(['b', '__proto__', 'a'])
})

test('a fold of twice as many versions holds twice as much: no version copies the orders before it', () => {
  const heldBy = (count: number): number =>
    JSON.stringify([...foldVersions(movingHistory(count), () => rules).changes]).length
  expect(heldBy(400)).toBeLessThan(2.2 * heldBy(200))
})

test('a fold: what each version left in force, and all orders at its end, are those of its history', () => {
  const history = movingHistory(60)
  const { state, changes } = foldVersions(history, () => rules)
  for (const { version } of history) {
    const upTo = foldVersions(history.slice(0, version), () => rules)
    expect(changes.get(version)?.state.subscription).toEqual(upTo.state.subscription)
    expect(Object.keys(upTo.state.orders)).toHaveLength(version - 1)
  }
  expect(Object.keys(state.orders)).toEqual(history.flatMap(({ order }) => order?.orderId ?? []))
})
