import { expect, test } from 'vitest'
import type { AskOptions, ShownDecision } from './commands/check.ts'
import { explainPage } from './explain-page.ts'

const decision: ShownDecision = {
  allowed: false,
  reason: 'limit_reached',
  limit: 5_750,
  used: 5_749,
  held: 0,
  remaining: 1,
  plan: 'base',
  planVersion: '2020-01-01',
  status: 'active',
  resetsAt: '2026-12-22T00:00:00.000Z',
  overLimit: null,
  unblock: [
    { action: 'add_seats', seats: 1 },
    { action: 'add_on', addOn: 'ai_credits_5000', quantity: 2 },
    { action: 'upgrade', plan: 'advanced' },
    { action: 'wait_until', at: '2026-12-22T00:00:00.000Z' },
  ],
  asOf: '2026-11-23T17:36:34.197Z',
  lagMs: 3,
  exact: true,
  degraded: false,
  trace: [
    { step: 'status', detail: 'subscription active, access until 2027-05-22T17:36:32.699Z' },
    { step: 'limit', detail: 'limit 750 × 1 + 5000 = 5750' },
    { step: 'verdict', detail: 'denied: 5759 > 5750' },
  ],
}

interface Page {
  readonly is?: Partial<ShownDecision>
  readonly asked?: Partial<AskOptions>
  readonly feature?: string
}

function page({ is, asked, feature = 'ai_credits' }: Page): string {
  const options = { intent: 'add', quantity: '10', ...asked }
  return explainPage({ workspace: 'acme', feature, options, decision: { ...decision, ...is } })
}

/** The sentence that answers, in one line. */
function sentence(of: Page): string {
  const [, , ...rest] = page(of).split('\n')
  return rest
    .slice(0, rest.indexOf(''))
    .map((line) => line.trim())
    .join(' ')
}

test('a page that support can pass on: the answer, what would help, how it came about, what to search by', () => {
  expect(page({})).toBe(`May workspace acme add 10 to ai credits?

  No. 5,749 of 5,750 are used, and 10 more would pass the limit. Nothing is
  taken away.

What would help, any one of
  - buy 1 more seat
  - buy 2 packs of ai_credits_5000
  - move up to the plan advanced
  - wait until 2026-12-22 00:00 UTC, when the allowance begins anew

How this was decided
  1.  Subscription  subscription active, access until 2027-05-22 17:36:32 UTC
  2.  Limit         limit 750 × 1 + 5000 = 5750
  3.  Answer        denied: 5759 > 5750

Everything is counted up to 2026-11-23 17:36:34 UTC.
Reference: ai_credits, limit_reached, plan base (version 2020-01-01), status active.`)
})

const overLimit = { since: '2026-11-22T16:36:00.000Z', graceEndsAt: '2026-11-23T16:36:00.000Z' }
const offByOverride = { step: 'verdict', detail: 'denied: it is off', data: { offBy: 'override' } }
test.for<[string, Page]>([
  [
    'No. It is switched off for this workspace by an exception.',
    { is: { reason: 'feature_not_in_plan', trace: [offByOverride] } },
  ],
  ['No. It is not part of the plan base.', { is: { reason: 'feature_not_in_plan' } }],
  [
    'Yes. 5 of 5,750 are used and 7 are reserved.',
    { is: { reason: 'within_limit', allowed: true, used: 5, held: 7 } },
  ],
  [
    'Yes. To use what is there, no room is needed.',
    { is: { reason: 'within_limit', allowed: true }, asked: { intent: 'use' } },
  ],
  ['Yes. It is there already and takes no room.', { is: { reason: 'within_limit', allowed: true } }],
  ['Yes. There is no limit.', { is: { reason: 'unlimited', allowed: true, limit: null } }],
  ['Yes. It is part of the plan.', { is: { reason: 'feature_on', allowed: true, limit: null } }],
  [
    'Yes, for now. 5,749 of 5,750 are used. More is tolerated until 2026-11-23 16:36 UTC; after that nothing can be added before use is below the limit.',
    { is: { reason: 'over_limit_grace', allowed: true, overLimit } },
  ],
  [
    'No. 5,749 of 5,750 are used, and 10 more would pass the limit. The time to adjust ended 2026-11-23 16:36 UTC. Nothing is taken away.',
    { is: { overLimit } },
  ],
  ['No. It is not part of the plan base.', { is: { reason: 'feature_not_in_plan', limit: null } }],
  [
    'No. The subscription has ended. What is there is kept, and adding is possible again as soon as it is paid.',
    { is: { reason: 'subscription_lapsed' } },
  ],
  [
    'No. A payment has not arrived yet. It is possible again as soon as it does.',
    { is: { reason: 'payment_pending' } },
  ],
  [
    'No. The subscription has ended. Until it is paid, this can only be read.',
    { is: { reason: 'read_only' } },
  ],
  ['No. There is no subscription.', { is: { reason: 'no_subscription', plan: null } }],
  [
    'No, not just now: the counts could not be had. Please ask again in a minute.',
    { is: { reason: 'rebuilding' } },
  ],
  [
    'Yes, by rule: the counts could not be had just now.',
    { is: { reason: 'degraded_allow', allowed: true } },
  ],
  [
    'Yes, because this limit is not enforced yet. If it were: No. It is not part of the plan base.',
    { is: { reason: 'feature_not_in_plan', allowed: true } },
  ],
])('%s', ([expected, of]) => {
  expect(sentence(of)).toBe(expected)
})

test('the last lines say how far the answer can be trusted', () => {
  const last = (of: Page): string | undefined => page(of).split('\n').at(-2)
  expect(last({ is: { exact: false } })).toBe(
    'Everything is counted up to 2026-11-23 17:36:34 UTC; later events are still on their way.',
  )
  expect(last({ is: { degraded: true, asOf: null } })).toMatch(/^The counts could not be had/)
  expect(last({ asked: { at: '2026-11-20T14:02:00Z' } })).toMatch(/^Answered from what is kept of that time/)
})

test('the question names subject, intent and time; a single way out is not offered as a choice', () => {
  const text = page({
    feature: 'whatsapp_numbers',
    asked: { intent: 'use', subject: '+5511', at: '2026-11-20T14:02:00Z' },
    is: { unblock: [{ action: 'pay', orderId: 'o2' }] },
  })
  expect(text).toContain('May workspace acme use whatsapp numbers (+5511) at 2026-11-20 14:02 UTC?')
  expect(text).toContain('\nWhat would help\n  - pay order o2\n')
})

test('explain: to add nothing over the limit is not called a resource that is there already', () => {
  const over = { allowed: true, reason: 'within_limit', used: 6_000, unblock: [] }
  expect(sentence({ is: over, asked: { quantity: '0' } })).toBe(
    'Yes. 6,000 of 5,750 are used, and to add 0 needs no room.',
  )
})
