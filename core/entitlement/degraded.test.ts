import { expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { type Amount, ZERO } from '../amount.ts'
import { DAY_MS } from '../instant.ts'
import { NO_FACTS } from '../operations/read-workspace.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { decideTogether } from './decide.ts'
import { allowedReasons, deniedReasons, type Reason, type Verdict } from './decision.ts'
import { decideDegraded } from './degraded.ts'
import { resolveEntitlement } from './resolve.ts'

const catalogue = defaultCatalogue()
const LEADS = { ...catalogue.features['leads'], onUnavailable: 'last_known' } as const
const asked = { feature: 'leads', quantity: 1 as Amount, intent: 'add' } as const

/** What is answered about a lead of an enterprise, which has no limit, while its figures are at hand. */
function decided(change: Partial<AcceptedSubscription>, now = START + DAY_MS): Verdict {
  const subscription = subscriptionWith({ plan: 'enterprise', ...change })
  const facts = { ...NO_FACTS, subscription }
  const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'acme', featureKey: 'leads', now })
  const usage = { used: ZERO, held: ZERO, subjectIsMember: false, subjectIsHeld: false }
  const items = [{ request: asked, entitlement, usage, crossing: null }]
  const [verdict] = decideTogether({ catalogue, now, items }).decisions
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

/** What is answered once they are not. */
function degradedAfter(lastKnown: Verdict): Verdict {
  const feature = Object(LEADS)
  return decideDegraded({
    workspace: 'acme',
    featureKey: 'leads',
    feature,
    request: asked,
    cause: 'unavailable',
    lastKnown,
  })
}

test.for<[string, Reason, Reason, Partial<AcceptedSubscription>, number?]>([
  ['runs', 'unlimited', 'degraded_allow', {}],
  ['has lapsed', 'subscription_lapsed', 'degraded_deny', {}, END],
  ['was never paid', 'payment_pending', 'degraded_deny', { status: 'payment_pending' }],
  ['was refunded', 'subscription_lapsed', 'degraded_deny', { status: 'canceled' }],
])('S16: a plan without a limit that %s: %s, and without figures %s', ([, known, degraded, change, now]) => {
  const last = decided(change, now)
  expect(last).toMatchObject({ reason: known, unlimited: true })
  expect(degradedAfter(last).reason).toBe(degraded)
})

test('last_known: of a feature without a limit, no reason to deny allows', () => {
  const allows = (reason: Reason): boolean => degradedAfter({ ...decided({}), reason }).allowed
  expect(deniedReasons.filter(allows)).toEqual([])
  expect(allowedReasons.filter(allows)).toEqual(['unlimited', 'feature_on', 'over_limit_grace'])
})
