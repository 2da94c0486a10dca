import { expect, test } from 'vitest'
import { END, subscriptionWith } from '../../test/helpers/facts.ts'
import { DAY_MS } from '../instant.ts'
import { dueRenewalNotices } from './renewal-notices.ts'
import type { AcceptedSubscription } from './subscription.ts'

function dueAt(now: number, change: Partial<AcceptedSubscription> = {}): string {
  return dueRenewalNotices(subscriptionWith(change), { workspace: 'acme', now })
    .map(({ type }) => type)
    .join(' ')
}

test.for([
  [END - 9 * DAY_MS - 1, ''],
  [END - 9 * DAY_MS, 'renewal_reminder'],
  [END - 3 * DAY_MS - 1, 'renewal_reminder'],
  [END - 3 * DAY_MS, 'renewal_reminder renewal_due'],
  [END - 1, 'renewal_reminder renewal_due'],
  [END, ''],
] as const)('S17: at %i the notices due are "%s"', ([now, types]) => {
  expect(dueAt(now)).toBe(types)
})

test('S17: without auto-renew there is a reminder and no charge; after a cancel, in trial or unpaid nothing', () => {
  const late = END - DAY_MS
  expect(dueAt(late, { autoRenew: false })).toBe('renewal_reminder')
  expect(dueAt(late, { cancelAtPeriodEnd: true })).toBe('')
  for (const status of ['trialing', 'payment_pending', 'canceled', 'expired'] as const) {
    expect(dueAt(late, { status }), status).toBe('')
  }
})

test('S17: a notice has one id for each period: found due again it is the same, after a renewal another', () => {
  const idsOf = (now: number, periodEnd: number): readonly string[] =>
    dueRenewalNotices(subscriptionWith({ periodEnd }), { workspace: 'acme', now }).map(({ id }) => id)
  const first = idsOf(END - 1, END)
  expect(first).toEqual([`acme/renewal_reminder/${END}`, `acme/renewal_due/${END}`])
  expect(idsOf(END - 2 * DAY_MS, END)).toEqual(first)
  expect(idsOf(END - 1, END + DAY_MS)).not.toContain(first[0])
})
