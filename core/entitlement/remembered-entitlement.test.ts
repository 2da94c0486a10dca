import { expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import { seededRandom } from '../../test/helpers/random.ts'
import type { Amount } from '../amount.ts'
import { DAY_MS } from '../instant.ts'
import type { WorkspaceFacts } from './facts.ts'
import { rememberedEntitlement } from './remembered-entitlement.ts'
import { type ResolveInput, resolveEntitlement } from './resolve.ts'

const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START + 3 * DAY_MS, until: START + 40 * DAY_MS }]
const override = { limit: 7 as Amount, until: START + 50 * DAY_MS, reason: 'a pilot' }
const facts: readonly WorkspaceFacts[] = [
  { revision: '1', subscription: subscriptionWith({ addOns }), overrides: {}, crossings: {} },
  {
    revision: '2',
    subscription: subscriptionWith({}),
    overrides: { ai_credits: override },
    crossings: {},
  },
  { revision: '', subscription: null, overrides: {}, crossings: {} },
]
const catalogues = [defaultCatalogue(), { ...defaultCatalogue(), plans: {} }]

test('what is remembered is what resolving would give, whichever was asked before', () => {
  const below = seededRandom(20_261_123)
  const pick = <Value>(values: readonly Value[]): Value => values[below(values.length)] as Value
  const told = ({ resolvedAt: _, validUntil, ...rest }: ReturnType<typeof resolveEntitlement>) => {
    return { ...rest, validUntil }
  }
  let same = 0
  for (let step = 0; step < 3_000; step += 1) {
    const input: ResolveInput = {
      catalogue: pick(catalogues),
      facts: pick(facts),
      workspace: pick(['acme', 'globex']),
      featureKey: pick(['ai_credits', 'leads', 'whatsapp_numbers']),
      now: START + below(Math.ceil((END - START) / DAY_MS) + 4) * DAY_MS - below(2),
    }
    const [first, second] = [rememberedEntitlement(input), rememberedEntitlement(input)]
    expect(told(first)).toEqual(told(resolveEntitlement(input)))
    if (first === second) same += 1
  }
  expect(same).toBe(3_000)
})
