import { expect, test } from 'vitest'
import { defaultCatalogue, END, renewalWith, START } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { MINUTE_MS } from '../instant.ts'
import { foldVersions } from './fold.ts'
import type { Order } from './subscription.ts'

const rules = defaultCatalogue()
const PIX = {
  orderId: 'o2',
  kind: 'seats',
  status: 'pending',
  currency: 'BRL',
  method: 'pix',
  installments: 1,
}
const TRIAL = {
  type: 'trial_started',
  is: { subscriptionId: 't2', status: 'trialing', plan: 'trial' },
} as const

/** Within its processing window, which lasts for ten minutes after the end of the paid period. */
const IN_WINDOW = { occurredAt: END + 3 * MINUTE_MS }
const RENEWING: Change = { type: 'payment_failed', occurredAt: END - 5 * MINUTE_MS, order: renewalWith() }

/** What a dead letter says must name what was sent, what stays, and what to do; a rule is named by its id. */
test.for<[string, readonly Change[], RegExp]>([
  ['S2', [{ is: { subscriptionId: 's2' } }], /acme has subscription s1 until 2026-12-10.*\(s2\).*support/],
  [
    'S2 in a processing window',
    [RENEWING, { type: 'purchased', ...IN_WINDOW, is: { subscriptionId: 's2' } }],
    /acme has subscription s1 until 2026-12-10T09:10:00.000Z; a second one \(s2\)/,
  ],
  [
    'S3',
    [{ type: 'renewed', is: { termMonths: 3 } }],
    /3 months is below the shortest of 6 \(S3\); .*support/,
  ],
  [
    'S5',
    [{ is: { periodEnd: END - 1 } }],
    /shortened to 2026-12-10T08:59:59.999Z.*2026-12-10T09:00:00.000Z stays/,
  ],
  ['S5', [{ is: { status: 'canceled' } }], /shortened to 2026-06-11T09:00:00.000Z .*schedule a cancel/],
  [
    'S7',
    [{ order: { ...PIX, placedAt: START } as Order }],
    /order o2: pix in BRL .*from US; .*card or paypal in USD/,
  ],
  ['S9', [{ type: 'refunded' }], /refund of subscription s1 came from customer; only support/],
  ['S15', [{ is: { plan: 'trial' } }], /plan trial is below base; only support .*base stays/],
  ['seats', [{ is: { seats: 1 } }], /1 seats are fewer than 2; .*2 stay/],
  [
    'unknown_plan',
    [{ is: { plan: 'gold' } }],
    /no plan "gold"; known are trial, base, advanced, pro, enterprise/,
  ],
  [
    'unknown_add_on',
    [{ is: { addOns: [{ key: 'moon', quantity: 1, from: START, until: END }] } }],
    /no add-on "moon"; known are ai_credits_5000/,
  ],
  [
    'trial_repeated',
    [
      { ...TRIAL, actor: 'support' },
      { ...TRIAL, occurredAt: END, is: { ...TRIAL.is, subscriptionId: 't3' } },
    ],
    /acme had its one trial \(t2\) already; t3 is refused\. .*support/,
  ],
  [
    'trial_repeated over what is paid',
    [{ ...TRIAL, is: { ...TRIAL.is, subscriptionId: 's1' } }],
    /acme has paid for s1, which runs until 2026-12-10T09:00:00.000Z; a trial in its place is refused\. .*support/,
  ],
  [
    'trial_repeated in a processing window',
    [RENEWING, { ...TRIAL, ...IN_WINDOW, is: { ...TRIAL.is, subscriptionId: 's1' } }],
    /acme has paid for s1, which runs until 2026-12-10T09:10:00.000Z; a trial/,
  ],
])('%s: the sentence names the values and what to do', ([, changes, sentence]) => {
  const folded = foldVersions(versionsAfter(...changes), () => rules)
  const reasons = [...folded.changes.values()].flatMap(({ refusals }) => refusals.map(({ reason }) => reason))
  expect(reasons).toHaveLength(1)
  expect(reasons[0]).toMatch(sentence)
})
