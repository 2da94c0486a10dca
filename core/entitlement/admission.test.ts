import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { HOUR_MS } from '#core/instant.ts'
import { defaultCatalogue, END, START, subscriptionWith } from '#test/helpers/facts.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { admissionOf } from './admission.ts'
import { decideTogether } from './decide.ts'
import { resolveEntitlement } from './resolve.ts'

const FEATURES = ['leads', 'ai_credits', 'ai_agents', 'whatsapp_numbers', 'contacts_companies']

/** The default catalogue with another re-arming share and mode for every feature. */
function catalogueWith(rearmBelowPercent: number, mode: 'enforce' | 'shadow'): Catalogue {
  const catalogue = defaultCatalogue()
  const features = Object.entries(catalogue.features).map(([key, feature]) => {
    return [key, { ...feature, rearmBelowPercent, mode }]
  })
  return { ...catalogue, features: Object.fromEntries(features) }
}

test('G7 admission: what a hold compares is what decide decides, for random facts, use and instants', () => {
  const seed = seedOfRun()
  const next = seededRandom(seed)
  const catalogues = [
    catalogueWith(100, 'enforce'),
    catalogueWith(80, 'enforce'),
    catalogueWith(100, 'shadow'),
  ]
  const seen = new Set<string>()
  for (let round = 0; round < 4_000; round += 1) {
    const catalogue = catalogues[next(catalogues.length)] ?? defaultCatalogue()
    const featureKey = FEATURES[next(FEATURES.length)] ?? 'leads'
    const now = START + next((END - START) / HOUR_MS + 100) * HOUR_MS
    const limit = next(6) === 0 ? null : ([0, 3, 10][next(3)] as Amount)
    const overrides = { [featureKey]: { limit, until: null, reason: 'test' } }
    const subscription = next(9) === 0 ? null : subscriptionWith({ plan: next(2) === 0 ? 'base' : 'pro' })
    const facts = { revision: '1.1.0', subscription, overrides, crossings: {} }
    const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'w', featureKey, now })
    const crossing = next(2) === 0 ? null : { since: now - next(48) * HOUR_MS }
    const { limit: most, bindsFrom, isDenied } = admissionOf({ catalogue, entitlement, crossing, now })
    const [used, held, quantity] = [next(14) as Amount, next(4) as Amount, next(5) as Amount]
    const usage = { used, held, subjectIsMember: false, subjectIsHeld: false }
    const request = { feature: featureKey, quantity, intent: 'add' } as const
    const decided = decideTogether({ catalogue, now, items: [{ request, entitlement, usage, crossing }] })
    const binds = most !== null && used >= bindsFrom
    const fits = !isDenied && (quantity === 0 || !binds || used + held + quantity <= most)
    const why = `seed ${seed}, round ${round}: ${featureKey} ${used} + ${held} + ${quantity} of ${limit}`
    expect(fits, `${why}: ${decided.decisions[0]?.reason}`).toBe(decided.allowed)
    seen.add(`${decided.decisions[0]?.reason} ${decided.allowed}`)
  }
  for (const answer of [
    'over_limit_grace true',
    'limit_reached false',
    'unlimited true',
    'limit_reached true',
  ])
    expect(seen).toContain(answer)
})
