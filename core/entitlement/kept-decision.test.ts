import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import { HOUR_MS } from '#core/instant.ts'
import { defaultCatalogue, END, START, subscriptionWith } from '#test/helpers/facts.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { decideTogether } from './decide.ts'
import type { Verdict } from './decision.ts'
import { type Grounds, keepGrounds, keptGrounds } from './kept-decision.ts'
import { resolveEntitlement } from './resolve.ts'

const FEATURES = ['leads', 'ai_credits', 'ai_agents', 'whatsapp_numbers', 'contacts_companies']

/** A verdict without its reasoning, which no answer to a consumption carries. */
function withoutTrace({ trace: _, ...verdict }: Verdict): object {
  return verdict
}

test('G11 grounds: what was kept of them decides as they did, whatever catalogue is in force by then', () => {
  const seed = seedOfRun()
  const next = seededRandom(seed)
  const catalogue = defaultCatalogue()
  const later = { ...catalogue, revision: 9, plans: {}, addOns: {}, features: {}, meters: {} }
  const seen = new Set<string>()
  for (let round = 0; round < 2_000; round += 1) {
    const featureKey = FEATURES[next(FEATURES.length)] ?? 'leads'
    const now = START + next((END - START) / HOUR_MS + 100) * HOUR_MS
    const limit = next(6) === 0 ? null : ([0, 3, 10][next(3)] as Amount)
    const overrides = next(2) === 0 ? {} : { [featureKey]: { limit, until: null, reason: 'test' } }
    const subscription = next(9) === 0 ? null : subscriptionWith({ plan: next(2) === 0 ? 'base' : 'pro' })
    const facts = { revision: '1.1.0', subscription, overrides, crossings: {} }
    const entitlement = resolveEntitlement({ catalogue, facts, workspace: 'w', featureKey, now })
    const crossing = next(2) === 0 ? null : { since: now - next(48) * HOUR_MS }
    const usage = {
      used: next(14) as Amount,
      held: next(4) as Amount,
      subjectIsMember: next(5) === 0,
      subjectIsHeld: next(5) === 0,
    }
    const request = { feature: featureKey, quantity: next(5) as Amount, intent: 'add' } as const
    const decided = (grounds: Grounds | undefined, known = catalogue): object => {
      if (grounds === undefined) throw new Error('no grounds were kept')
      const [verdict] = decideTogether({
        catalogue: known,
        now,
        items: [{ ...grounds, request, usage }],
      }).decisions
      if (verdict === undefined) throw new Error('nothing was decided')
      seen.add(verdict.reason)
      return verdict.unblock.length > 0 ? { reason: verdict.reason } : withoutTrace(verdict)
    }
    const kept = keptGrounds(`[${keepGrounds({ entitlement, crossing })}]`, {
      workspace: 'w',
      features: [featureKey],
    })
    expect(decided(kept[0], later), `seed ${seed}, round ${round}: ${featureKey}`).toEqual(
      decided({ entitlement, crossing }),
    )
  }
  for (const reason of ['within_limit', 'unlimited', 'over_limit_grace', 'limit_reached', 'no_subscription'])
    expect(seen).toContain(reason)
})
