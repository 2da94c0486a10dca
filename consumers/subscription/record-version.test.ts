import { describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { FactsSource } from '#drivers/mongo/facts-source.ts'
import { defaultCatalogue, renewalWith, START } from '#test/helpers/facts.ts'
import { versionsAfter } from '#test/helpers/versions.ts'
import { recordVersion } from './record-version.ts'

const rules = { judging: async () => () => defaultCatalogue() }

/** Versions in the order of their arrival. */
function emptySource(): Pick<FactsSource, 'versions' | 'appendVersion'> {
  const stored: SubscriptionEvent[] = []
  return {
    versions: async () => [...stored],
    appendVersion: async (_workspace, place, event) => {
      if (place !== stored.length + 1) return false
      stored.push(event)
      return true
    },
  }
}

test('G18: a version that is refused once a lower one came late is told of, each time that one comes', async () => {
  const upgrade = { type: 'upgraded', is: { plan: 'pro' } } as const
  const seats = { type: 'seats_changed', is: { plan: 'base', seats: 3 } } as const
  const [first, second, third] = versionsAfter(upgrade, seats)
  if (first === undefined || second === undefined || third === undefined) throw new Error('three versions')
  const source = emptySource() as FactsSource
  for (const event of [first, third])
    expect(await recordVersion(source, rules, event)).toMatchObject({ refusals: [], overtaken: [] })
  for (const _ of ['new', 'again'])
    expect(await recordVersion(source, rules, second)).toMatchObject({
      refusals: [],
      overtaken: [
        {
          eventId: 'v3',
          refusal: {
            code: 'downgrade_needs_support',
            reason: expect.stringMatching(/^version 3, since version 2 came late: plan base is below pro/),
          },
        },
      ],
    })
})

test('G18: a version that came in its turn is told of nothing when it comes again, whatever is refused after it', async () => {
  const upgrade = { type: 'upgraded', is: { plan: 'pro' } } as const
  const lower = { type: 'downgraded', is: { plan: 'base' } } as const
  const [first, second, third] = versionsAfter(upgrade, lower)
  if (first === undefined || second === undefined || third === undefined) throw new Error('three versions')
  const source = emptySource() as FactsSource
  const refusals = [{ code: 'downgrade_needs_support' }]
  for (const _ of ['new', 'again']) {
    expect(await recordVersion(source, rules, first)).toMatchObject({ refusals: [], overtaken: [] })
    expect(await recordVersion(source, rules, second)).toMatchObject({ refusals: [], overtaken: [] })
    expect(await recordVersion(source, rules, third)).toMatchObject({ refusals, overtaken: [] })
  }
})

test('G12: versions on which the fold itself fails are set aside, and fold once it is mended', async () => {
  const [first] = versionsAfter()
  if (first === undefined) throw new Error('a version')
  const source = emptySource() as FactsSource
  const failing = { judging: async () => (): never => expect.fail('no rules') }
  const { folded, refusals } = await recordVersion(source, failing, first)
  expect([folded, refusals]).toMatchObject([null, [{ code: 'undecodable' }]])
  expect((await recordVersion(source, rules, first)).folded?.state).toBeDefined()
})

describe('G14: a version that was stored by another schema', () => {
  const addOns = [{ key: 'ai_credits_5000', quantity: 1, from: START, until: START + 100 * DAY_MS }]
  const [stored] = versionsAfter().map((event) => ({
    ...event,
    subscription: { ...event.subscription, addOns },
  }))
  if (stored === undefined) throw new Error('a version')
  const withField = {
    ...stored,
    channel: 'web',
    subscription: {
      ...stored.subscription,
      taxId: null,
      addOns: addOns.map((pack) => ({ ...pack, note: '' })),
    },
  }
  const refusalsOf = async (
    first: SubscriptionEvent,
    again: SubscriptionEvent,
  ): Promise<readonly string[]> => {
    const source = emptySource() as FactsSource
    await recordVersion(source, rules, first)
    return (await recordVersion(source, rules, again)).refusals.map(({ code }) => code)
  }

  test('is the same with a field that the other does not have, whoever has it', async () => {
    expect(await refusalsOf(stored, withField)).toEqual([])
    expect(await refusalsOf(withField, stored)).toEqual([])
  })

  test('is another one where a field differs that both have', async () => {
    const { subscription } = withField
    const [pack] = subscription.addOns
    if (pack === undefined) throw new Error('a pack')
    for (const change of [{ seats: 3 }, { addOns: [] }, { addOns: [{ ...pack, quantity: 2 }] }]) {
      const other = { ...withField, subscription: { ...subscription, ...change } }
      expect(await refusalsOf(stored, other), JSON.stringify(change)).toEqual(['version_conflict'])
    }
    const ordered = { ...withField, order: renewalWith() }
    expect(await refusalsOf(stored, ordered)).toEqual(['version_conflict'])
    expect(await refusalsOf(ordered, stored)).toEqual(['version_conflict'])
  })
})
