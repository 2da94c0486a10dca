import { expect, test } from 'vitest'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { dayOf, HOUR_MS } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { dayField, splitField } from './counter-fields.ts'
import { usageOf } from './feature-reading.ts'

const catalogue = defaultCatalogue()
const DAY = dayOf(START)

/** Credits used in the window that begins at `START`, inside a day of 100 of which 40 were used by the split. */
function usedWith(splitAt: number): number {
  const subscription = subscriptionWith({ windowStartsAt: START })
  const facts = { revision: '', subscription, overrides: {}, crossings: {} }
  const named = { catalogue, facts, workspace: 'acme', featureKey: 'ai_credits', now: START + HOUR_MS }
  const fields = { [dayField('ai_credits', DAY)]: '100', [splitField('ai_credits', DAY)]: `${splitAt}|40` }
  const reading = { fields, sizes: {}, membership: {}, heldSubjects: {} } as unknown as CounterReading
  return usageOf({ entitlement: resolveEntitlement(named), subject: null }, reading, catalogue).used
}

test('G18: what was used before the window began is not taken from it', () => {
  expect(usedWith(START)).toBe(60)
})

test('G18: a day that was split at a later start of a window counts whole: the allowance is never larger than sold', () => {
  expect(usedWith(START + 6 * HOUR_MS)).toBe(100)
})
