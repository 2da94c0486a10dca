import { expect, test } from 'vitest'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { DAY_MS, type Instant } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import type { ReadPlan } from '../usage/read-plan.ts'
import { readWorkspace, unhurried } from './read-workspace.ts'

const catalogue = defaultCatalogue()
const NOW = START + DAY_MS
/** A window of a month begins and ends with a day. */
const FIRST_DAY = Date.parse('2026-06-10T00:00:00Z')
const NEXT_MONTH = Date.parse('2026-07-10T00:00:00Z')
const SUBSCRIBED: WorkspaceFacts = {
  revision: '1.0.0',
  subscription: subscriptionWith(),
  overrides: {},
  crossings: {},
}

interface World {
  readonly features: readonly string[]
  /** What the process knows before it asks. */
  readonly remembered?: WorkspaceFacts | null
  /** Its guess of Redis' clock, and that clock. */
  readonly guess?: Instant
  readonly now?: Instant
  readonly newCatalogue?: typeof catalogue
  /** The revision of what is stored by the time that it is loaded. */
  readonly stored?: string
}

/** Reads `acme`, which is subscribed; the plans that counters were asked by, and the limits that were found. */
async function plansOf({
  features,
  remembered = null,
  guess = NOW,
  now = NOW,
  newCatalogue,
  stored = '1.0.0',
}: World) {
  const plans: ReadPlan[] = []
  const loaded = { ...SUBSCRIBED, revision: stored }
  const inForce = newCatalogue ?? catalogue
  const read = async (_: string, plan: ReadPlan): Promise<CounterReading> => {
    plans.push(plan)
    return {
      state: 'ready',
      factsRevision: '1.0.0',
      catalogueRevision: inForce.revision,
      asOf: now,
      lagMs: 0,
      exact: true,
      now,
      isKnown: true,
      fields: {},
      sizes: {},
      membership: {},
      heldSubjects: {},
    }
  }
  const isKnown = { yet: remembered?.revision === '1.0.0' }
  const facts = {
    remembered: () => (isKnown.yet ? loaded : remembered),
    current: () => (isKnown.yet ? loaded : null),
    load: async () => {
      isKnown.yet = true
      return loaded
    },
    refresh: async () => loaded,
  }
  const catalogues = { remembered: () => catalogue, load: async () => inForce }
  const reading = await readWorkspace(
    {
      counters: { read },
      facts,
      catalogue: { ...catalogues } as Parameters<typeof readWorkspace>[0]['catalogue'],
      now: () => guess,
      inTime: unhurried,
    },
    { workspace: 'acme', features: () => features.map((feature) => ({ feature, subject: null })) },
  )
  if (!reading.known) throw new Error(`not known: ${reading.cause}`)
  return { plans, limits: reading.entitlements.map(({ limit }) => limit), reading }
}

test('what is remembered and right is read once', async () => {
  expect((await plansOf({ features: ['leads', 'ai_credits'], remembered: SUBSCRIBED })).plans.length).toBe(1)
})

test('a workspace seen first is read once where its plan needs no other counters, by its own limits', async () => {
  const { plans, limits } = await plansOf({ features: ['leads', 'whatsapp_numbers'] })
  const { limits: known } = await plansOf({
    features: ['leads', 'whatsapp_numbers'],
    remembered: SUBSCRIBED,
  })
  expect(plans.length).toBe(1)
  expect(limits).toEqual(known)
  expect(limits).not.toContain(0)
})

test('counters of before the facts that were found are read again', async () => {
  expect((await plansOf({ features: ['leads'], stored: '1.0.1' })).plans.length).toBe(2)
})

test('a window that only the facts tell of is read for itself', async () => {
  const { plans, reading } = await plansOf({ features: ['leads', 'ai_credits'] })
  expect(plans.length).toBe(2)
  expect(plans[1]).not.toEqual(plans[0])
  expect(reading.known && reading.entitlements[1]?.window?.from).toBe(FIRST_DAY)
})

test('a window that ended by Redis’ clock alone is read anew', async () => {
  const { plans } = await plansOf({
    features: ['ai_credits'],
    remembered: SUBSCRIBED,
    guess: NEXT_MONTH - 1,
    now: NEXT_MONTH,
  })
  expect(plans.length).toBe(2)
})

test('a new catalogue that counts alike needs no other reading, and its limits count', async () => {
  const newCatalogue = { ...catalogue, revision: catalogue.revision + 1 }
  const { plans, reading } = await plansOf({ features: ['leads'], remembered: SUBSCRIBED, newCatalogue })
  expect(plans.length).toBe(1)
  expect(reading.catalogue).toBe(newCatalogue)
})
