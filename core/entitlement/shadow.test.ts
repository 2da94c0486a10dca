import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Amount, ZERO } from '../amount.ts'
import type { EnforcementMode } from '../catalogue/feature.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { decideTogether } from './decide.ts'
import type { Verdict } from './decision.ts'
import { decideDegraded } from './degraded.ts'
import type { WorkspaceFacts } from './facts.ts'
import { resolveEntitlement } from './resolve.ts'

const source = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
const NOW = Date.parse('2026-11-23T12:00:00Z')

function catalogueIn(mode: EnforcementMode | undefined) {
  const draft = structuredClone(source)
  for (const feature of Object.values<Record<string, unknown>>(draft.features)) {
    if (mode !== undefined) feature['mode'] = mode
  }
  const parsed = parseCatalogue(draft, 1)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.catalogue
}

const facts: WorkspaceFacts = {
  revision: '1.0.0',
  subscription: {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: NOW,
    seats: 1,
    termMonths: 6,
    periodStart: NOW,
    periodEnd: NOW + 10 ** 10,
    anchorDay: 5,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: NOW,
    openOrder: null,
    windowStartsAt: null,
  },
  overrides: {},
  crossings: {},
}

interface Ask {
  readonly feature: string
  readonly used: number
  readonly facts?: WorkspaceFacts
}

function ask(mode: EnforcementMode | undefined, { feature, used, facts: own = facts }: Ask): Verdict {
  const catalogue = catalogueIn(mode)
  const { decisions } = decideTogether({
    catalogue,
    now: NOW,
    items: [
      {
        request: { feature, quantity: 1 as Amount, intent: 'add' },
        entitlement: resolveEntitlement({
          catalogue,
          facts: own,
          workspace: 'acme',
          featureKey: feature,
          now: NOW,
        }),
        usage: { used: used as Amount, held: ZERO, subjectIsMember: false, subjectIsHeld: false },
        crossing: null,
      },
    ],
  })
  const [verdict] = decisions
  if (verdict === undefined) throw new Error('no verdict')
  return verdict
}

describe('shadow mode: decided as ever, allowed whatever comes of it', () => {
  test.for([
    ['past the limit', { feature: 'ai_credits', used: 750 }],
    ['a switch that is off', { feature: 'salesbot', used: 0 }],
    ['no subscription', { feature: 'leads', used: 0, facts: { ...facts, subscription: null } }],
  ] as const)('%s: all but allowed and the last line of the trace is what enforcing says', ([, question]) => {
    const { trace, ...enforced } = ask('enforce', question)
    const { trace: shadowTrace, ...shadow } = ask('shadow', question)
    expect(enforced.allowed).toBe(false)
    expect(shadow).toEqual({ ...enforced, allowed: true })
    expect(shadowTrace.slice(0, -1)).toEqual(trace.slice(0, -1))
    expect(shadowTrace.at(-1)?.detail).toMatch(/^allowed in shadow mode, would be denied: /)
  })

  test('within the limit it is like any other', () => {
    const question = { feature: 'ai_credits', used: 10 }
    expect(ask('shadow', question)).toEqual(ask('enforce', question))
  })

  test('a feature is enforced unless its catalogue says otherwise', () => {
    expect(ask(undefined, { feature: 'ai_credits', used: 750 }).allowed).toBe(false)
  })

  test('figures that cannot be had deny nothing', () => {
    const feature = catalogueIn('shadow').features['ai_credits']
    if (feature === undefined) throw new Error('no feature')
    const verdict = decideDegraded({
      workspace: 'acme',
      featureKey: 'ai_credits',
      feature,
      request: { feature: 'ai_credits', quantity: 1 as Amount, intent: 'add' },
      cause: 'unavailable',
      lastKnown: null,
    })
    expect(verdict).toMatchObject({ allowed: true, reason: 'degraded_deny' })
  })
})
