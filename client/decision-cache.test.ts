import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Decision } from './decision.ts'
import { DecisionCache } from './decision-cache.ts'

const BOUND_MS = 250

function decisionOf(change: Partial<Decision>): Decision {
  return {
    allowed: true,
    reason: 'within_limit',
    workspace: 'acme',
    feature: 'leads',
    quantity: 1,
    limit: 100,
    used: 60,
    held: 10,
    remaining: 30,
    unlimited: false,
    window: null,
    resetsAt: null,
    plan: 'base',
    planVersion: '2026-06-01',
    status: 'active',
    overLimit: null,
    unblock: [],
    asOf: '2026-06-01T00:00:00.000Z',
    lagMs: 12,
    exact: true,
    degraded: false,
    cachedForMs: 0,
    ...change,
  }
}

function cacheAt(): { readonly cache: DecisionCache; readonly at: (now: number) => void } {
  let now = 0
  const at = (instant: number): void => {
    now = instant
  }
  return { cache: new DecisionCache({ boundMs: BOUND_MS, now: () => now }), at }
}

const leads = { workspace: 'acme', feature: 'leads' }

test('cache: an answer is read until the bound, and says how old it is', () => {
  const { cache, at } = cacheAt()
  const decision = decisionOf({})
  cache.expect(leads)(decision)
  at(100.2)
  expect(cache.read(leads)).toEqual({ ...decision, cachedForMs: 101, lagMs: 113 })
  at(BOUND_MS)
  expect(cache.read(leads)?.cachedForMs).toBe(BOUND_MS)
  at(BOUND_MS + 0.1)
  expect(cache.read(leads)).toBeNull()
})

test('cache: its age counts from the question, not from the answer', () => {
  const { cache, at } = cacheAt()
  const keep = cache.expect(leads)
  at(200)
  keep(decisionOf({}))
  at(251)
  expect(cache.read(leads)).toBeNull()
})

test('cache: what is more than a second behind by now is not called exact', () => {
  const { cache, at } = cacheAt()
  cache.expect(leads)(decisionOf({ lagMs: 900 }))
  at(100)
  expect(cache.read(leads)).toMatchObject({ lagMs: 1_000, exact: true })
  at(101)
  expect(cache.read(leads)).toMatchObject({ lagMs: 1_001, exact: false })
})

test('cache: a forgotten workspace is asked anew, and what was being asked about it is not kept', () => {
  const { cache } = cacheAt()
  const keep = cache.expect(leads)
  keep(decisionOf({}))
  cache.forget('acme')
  expect(cache.read(leads)).toBeNull()
  keep(decisionOf({}))
  expect(cache.read(leads)).toBeNull()
})

test('cache: an answer by policy is not remembered', () => {
  const { cache } = cacheAt()
  cache.expect(leads)(decisionOf({ degraded: true }))
  expect(cache.read(leads)).toBeNull()
})

test('cache: a question that depends on more than feature, intent and quantity is always asked', () => {
  const { cache } = cacheAt()
  for (const more of [
    { meter: 'contacts' },
    { subject: '+1' },
    { at: '2026-01-01T00:00:00Z' },
    { minFreshnessMs: 0 },
    { after: 'c~1~0' },
    { explain: true },
  ]) {
    cache.expect({ ...leads, ...more })(decisionOf({}))
    expect(cache.read(leads), JSON.stringify(more)).toBeNull()
    cache.expect(leads)(decisionOf({}))
    expect(cache.read({ ...leads, ...more }), JSON.stringify(more)).toBeNull()
    cache.forget('acme')
  }
  cache.expect(leads)(decisionOf({}))
  expect(cache.read({ ...leads, intent: 'use' })).toBeNull()
})

test('cache: at most ten thousand workspaces; the first one goes first', () => {
  const { cache } = cacheAt()
  for (let index = 0; index <= 10_000; index += 1)
    cache.expect({ workspace: `w${index}`, feature: 'leads' })(decisionOf({ workspace: `w${index}` }))
  expect(cache.read({ workspace: 'w0', feature: 'leads' })).toBeNull()
  expect(cache.read({ workspace: 'w1', feature: 'leads' })?.workspace).toBe('w1')
})

describe('answers from an answer', () => {
  test('what fits into the rest is allowed, what does not is asked', () => {
    const { cache } = cacheAt()
    cache.expect(leads)(decisionOf({}))
    expect(cache.read({ ...leads, quantity: 30 })).toMatchObject({
      allowed: true,
      quantity: 30,
      remaining: 30,
    })
    expect(cache.read({ ...leads, quantity: 31 })).toBeNull()
  })

  test('a denial is repeated for the same quantity alone: its ways out depend on it', () => {
    const { cache } = cacheAt()
    cache.expect(leads)(decisionOf({ allowed: false, reason: 'limit_reached', remaining: 0 }))
    expect(cache.read(leads)?.allowed).toBe(false)
    expect(cache.read({ ...leads, quantity: 2 })).toBeNull()
    expect(cache.read({ ...leads, quantity: 0 })).toBeNull()
  })

  test('what has no limit has none for any quantity that can be asked', () => {
    const { cache } = cacheAt()
    cache.expect(leads)(decisionOf({ reason: 'unlimited', limit: null, remaining: null, unlimited: true }))
    expect(cache.read({ ...leads, quantity: 1_000_000_000 })?.allowed).toBe(true)
    for (const quantity of [1_000_000_001, -1, 0.5, Number.NaN])
      expect(cache.read({ ...leads, quantity }), String(quantity)).toBeNull()
  })

  test('never says yes to what the same figures would refuse', () => {
    const units = fc.integer({ min: 0, max: 200 })
    const decide = (quantity: number, remaining: number): Decision => {
      const allowed = quantity === 0 || quantity <= remaining
      return decisionOf({ allowed, reason: allowed ? 'within_limit' : 'limit_reached', quantity, remaining })
    }
    fc.assert(
      fc.property(units, units, units, (first, second, remaining) => {
        const { cache } = cacheAt()
        cache.expect({ ...leads, quantity: first })(decide(first, remaining))
        const read = cache.read({ ...leads, quantity: second })
        if (read !== null) expect(read).toEqual(decide(second, remaining))
      }),
    )
  })
})
