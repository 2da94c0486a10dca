import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, renewalWith } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS, MINUTE_MS } from '../instant.ts'
import { accessEndOf } from './access.ts'
import { foldVersions } from './fold.ts'
import type { Order, PaymentAttempt } from './subscription.ts'

const rules = defaultCatalogue()
const EDGE = END + 10 * MINUTE_MS

/** The renewal, tried in time: access holds until EDGE. */
const renewal = renewalWith({ attempt: tried(END - 5 * MINUTE_MS) })
const RETRIED = END + 2 * MINUTE_MS
const purchase: Order = {
  ...renewal,
  orderId: 'o3',
  kind: 'purchase',
  method: 'paypal',
  placedAt: RETRIED,
  attempt: tried(RETRIED),
}
const again: Order = { ...purchase, orderId: 'o4', kind: 'renewal' }

function tried(at: number): PaymentAttempt {
  return { state: 'processing', at, reason: null }
}

function heard(order: Order, occurredAt: number, change: Partial<Change> = {}): Change {
  return { type: 'payment_pending', actor: 'system', occurredAt, order, ...change }
}

const RENEWING = heard(renewal, END - 5 * MINUTE_MS)

/** The order that waits, and how many minutes after the end of the period access ends. */
function waitingAfter(...changes: readonly Change[]): readonly [string | null, number] {
  const { subscription } = foldVersions(versionsAfter(...changes), () => rules).state
  if (subscription === null) throw new Error('nothing was accepted')
  const endsAt = accessEndOf(subscription, rules)
  return [subscription.openOrder?.orderId ?? null, (endsAt - END) / MINUTE_MS]
}

describe('S1, S12: a purchase that is not paid takes nothing from a renewal that was tried in time', () => {
  test('access goes on to the end of the processing window, whatever becomes of the purchase', () => {
    expect(waitingAfter(RENEWING)).toEqual(['o2', 10])
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED))).toEqual(['o2', 10])
    const failed = heard({ ...purchase, status: 'failed' }, RETRIED + 1)
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), failed)).toEqual(['o2', 10])
    const before = heard({ ...purchase, attempt: null }, END - MINUTE_MS)
    expect(waitingAfter(RENEWING, before)).toEqual(['o2', 10])
  })
  test('paid, it closes the renewal', () => {
    const paid = heard({ ...purchase, status: 'paid' }, RETRIED + 1, {
      is: { periodEnd: END + 180 * DAY_MS },
    })
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), paid)[0]).toBeNull()
  })
  test.for<[string, readonly Change[]]>([
    ['after the window', [RENEWING, heard(purchase, EDGE)]],
    [
      'where nobody tried to pay the renewal',
      [heard({ ...renewal, attempt: null }, END - DAY_MS), heard(purchase, RETRIED)],
    ],
    [
      'where a cancel is scheduled',
      [{ ...RENEWING, is: { cancelAtPeriodEnd: true } }, heard(purchase, RETRIED)],
    ],
    [
      'of another subscription, by support',
      [RENEWING, heard(purchase, RETRIED, { actor: 'support', is: { subscriptionId: 's2' } })],
    ],
  ])('it is the one that waits %s', ([, changes]) => {
    expect(waitingAfter(...changes)).toEqual(['o3', 0])
  })
})

describe('S12: an order that is given up leaves the other one that waits open', () => {
  test('the purchase beside a renewal that billing closes', () => {
    const closed = heard({ ...renewal, status: 'failed' }, RETRIED + 1)
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), closed)).toEqual(['o3', 0])
    const refused = heard({ ...again, method: 'pix', status: 'paid' }, RETRIED)
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), refused, closed)).toEqual(['o3', 0])
  })
  test('the renewal that was tried in time, and its window, when the retry by a new order is closed', () => {
    const closed = heard({ ...again, status: 'failed' }, RETRIED + 1)
    expect(waitingAfter(RENEWING, heard(again, RETRIED))).toEqual(['o4', 10])
    expect(waitingAfter(RENEWING, heard(again, RETRIED), closed)).toEqual(['o2', 10])
  })
  test('the renewal that was tried in time and again after the end, when the order after it is closed', () => {
    const retried = heard({ ...renewal, attempt: tried(END + 1) }, END + 1)
    const closed = heard({ ...again, status: 'failed' }, RETRIED + 1)
    expect(waitingAfter(RENEWING, retried)).toEqual(['o2', 10])
    expect(waitingAfter(RENEWING, retried, heard(again, RETRIED), closed)).toEqual(['o2', 10])
    const third = { ...again, orderId: 'o5' }
    const given = heard({ ...third, status: 'failed' }, RETRIED + 3)
    const twice = [RENEWING, retried, heard(again, RETRIED), heard(third, RETRIED + 2), given]
    expect(waitingAfter(...twice)).toEqual(['o4', 10])
    expect(waitingAfter(...twice, closed)).toEqual(['o2', 10])
  })
  test('the renewal that was tried in time and again while a purchase waits, the cancel undone', () => {
    const canceling: Change = { ...RENEWING, is: { cancelAtPeriodEnd: true } }
    const retried: Change = { ...RENEWING, is: { cancelAtPeriodEnd: false }, occurredAt: END + 1 }
    const late = { ...retried, order: { ...renewal, attempt: tried(END + 1) } }
    expect(waitingAfter(canceling, heard({ ...purchase, attempt: null }, END - 2), late)).toEqual(['o2', 10])
  })
  test('none that was closed before, was refused, pays for no term, or waited when a term was paid', () => {
    const closed = heard({ ...renewal, status: 'failed' }, RETRIED + 2)
    const given = heard({ ...purchase, status: 'failed' }, RETRIED + 1)
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), given, closed)).toEqual([null, 0])
    const refused = heard({ ...purchase, method: 'pix' }, RETRIED)
    expect(waitingAfter(RENEWING, refused, closed)).toEqual([null, 0])
    expect(waitingAfter(RENEWING, heard({ ...purchase, kind: 'seats' }, RETRIED), closed)).toEqual([null, 0])
    const paid = heard({ ...again, status: 'paid' }, RETRIED + 1)
    const next = heard({ ...renewal, orderId: 'o5', attempt: null }, RETRIED + 3)
    const nextClosed = heard({ ...renewal, orderId: 'o5', status: 'failed' }, RETRIED + 4)
    expect(waitingAfter(RENEWING, heard(purchase, RETRIED), paid, next, nextClosed)).toEqual([null, 0])
  })
})
