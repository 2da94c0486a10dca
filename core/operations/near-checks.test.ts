import { expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { ZERO } from '../amount.ts'
import type { Request } from '../entitlement/decision.ts'
import type { Crossing, WorkspaceFacts } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { DAY_MS, HOUR_MS, type Instant } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { NearChecks } from './near-checks.ts'

const catalogue = defaultCatalogue()
const NOW = START + DAY_MS
const one: Request = { feature: 'leads', quantity: 1 as Request['quantity'], intent: 'add' }

interface World {
  readonly used?: number
  readonly feature?: string
  readonly crossings?: Record<string, Crossing>
}

/** A reading of `acme` that is kept, and what is in force, which tests change. */
function nearWith({ used = 3, feature = 'leads', crossings = {} }: World = {}) {
  const factsOf = (revision: string): WorkspaceFacts => ({
    revision,
    subscription: subscriptionWith(),
    overrides: {},
    crossings,
  })
  const facts = factsOf('1.0.0')
  const inForce = {
    now: NOW as Instant,
    facts,
    catalogue,
    catalogueRevision: catalogue.revision,
    stands: true,
  }
  const request = { ...one, feature }
  const reading: CounterReading = {
    state: 'ready',
    factsRevision: '1.0.0',
    catalogueRevision: catalogue.revision,
    asOf: NOW,
    lagMs: 0,
    exact: true,
    now: NOW,
    isKnown: true,
    fields: { leads: String(used) },
    sizes: {},
    membership: {},
    heldSubjects: {},
    standing: {
      now: () =>
        inForce.stands
          ? {
              now: inForce.now,
              asOf: NOW,
              lagMs: inForce.now - NOW,
              exact: true,
              degraded: false,
              catalogueRevision: inForce.catalogueRevision,
            }
          : null,
    },
  }
  const near = new NearChecks()
  const entitlement = resolveEntitlement({
    catalogue,
    facts,
    workspace: 'acme',
    featureKey: feature,
    now: NOW,
  })
  near.keep({ workspace: 'acme', request, reading, facts, catalogue, entitlement })
  const deps = {
    facts: { current: () => inForce.facts },
    catalogue: { remembered: () => inForce.catalogue },
  }
  const find = (change: Partial<Request> = {}) =>
    near.find(deps, { workspace: 'acme', request: { ...request, ...change } })
  return { near, inForce, find, factsOf, entitlement, request, reading, deps }
}

test('a reading that stands decides again and again, and the verdict is made once for each request', () => {
  const { find, inForce } = nearWith()
  const first = find()
  expect(first?.verdict).toMatchObject({ allowed: true, used: 3, reason: 'within_limit' })
  inForce.now += 100
  const second = find()
  expect(second?.verdict).toBe(first?.verdict)
  expect([first?.isNew, second?.isNew]).toEqual([true, false])
  expect(second?.accuracy).toMatchObject({ asOf: NOW, lagMs: 100 })
  expect(find({ quantity: ZERO })?.verdict).not.toBe(first?.verdict)
  expect(find({ intent: 'read' })?.verdict.trace.at(-1)?.detail).toBe('allowed: to read needs no room')
})

test('nothing is decided for another workspace, feature or subject', () => {
  const { near, find, deps, request, reading, entitlement, inForce } = nearWith()
  const kept = { workspace: 'acme', reading, facts: inForce.facts, catalogue, entitlement }
  expect(find({ feature: 'ai_credits' })).toBeNull()
  expect(find({ subject: '+1' })).toBeNull()
  near.keep({ ...kept, request: { ...request, subject: '+1', meter: 'leads' } })
  expect(find({ subject: '+1', meter: 'leads' })).not.toBeNull()
  expect(find({ subject: '+1', meter: 'others' })).toBeNull()
  expect(near.find(deps, { workspace: 'other', request: one })).toBeNull()
})

test.for([
  [
    'the reading no longer stands',
    (w: ReturnType<typeof nearWith>) => Object.assign(w.inForce, { stands: false }),
  ],
  [
    'newer facts',
    (w: ReturnType<typeof nearWith>) => Object.assign(w.inForce, { facts: w.factsOf('2.0.0') }),
  ],
  [
    'a newer catalogue in this process',
    (w: ReturnType<typeof nearWith>) => Object.assign(w.inForce, { catalogue: { ...catalogue } }),
  ],
  [
    'a newer catalogue named by Redis',
    (w: ReturnType<typeof nearWith>) =>
      Object.assign(w.inForce, { catalogueRevision: catalogue.revision + 1 }),
  ],
] as const)('Redis is asked after a change: %s', ([, change]) => {
  const world = nearWith()
  expect(world.find()).not.toBeNull()
  change(world)
  expect(world.find()).toBeNull()
})

test('access lapses to the millisecond, by the clock of Redis', () => {
  const { find, inForce, entitlement } = nearWith()
  expect(entitlement.validUntil).toBeLessThanOrEqual(END + 30 * DAY_MS)
  inForce.now = entitlement.validUntil - 1
  expect(find()).not.toBeNull()
  inForce.now = entitlement.validUntil
  expect(find()).toBeNull()
})

test('a grace ends to the millisecond though nothing was told', () => {
  const since = NOW - HOUR_MS
  const { find, inForce } = nearWith({ used: 1_000_000, crossings: { leads: { since } } })
  const ends = find()?.verdict.overLimit?.graceEndsAt ?? 0
  expect(ends).toBe(since + 24 * HOUR_MS)
  expect(find()?.verdict.reason).toBe('over_limit_grace')
  inForce.now = ends - 1
  expect(find()?.verdict.reason).toBe('over_limit_grace')
  inForce.now = ends
  expect(find()?.verdict).toMatchObject({ allowed: false, reason: 'limit_reached' })
})

test('a reading without anybody who tells of changes is not kept', () => {
  const { near, reading, request, deps, inForce, entitlement } = nearWith()
  const { standing: _, ...plain } = reading
  near.keep({ workspace: 'quiet', request, reading: plain, facts: inForce.facts, catalogue, entitlement })
  expect(near.find(deps, { workspace: 'quiet', request })).toBeNull()
})
