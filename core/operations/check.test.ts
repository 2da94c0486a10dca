import { expect, test } from 'vitest'
import { depsOf } from '../../test/helpers/counted-world.ts'
import { defaultCatalogue, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { DAY_MS } from '../instant.ts'
import { checkItems } from './check.ts'
import { readEntitlements } from './read-entitlements.ts'
import { NO_FACTS } from './read-workspace.ts'

const catalogue = defaultCatalogue()
const NOW = START + DAY_MS
const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith() }
const lastKnown = { get: () => null, set: () => undefined }
const one = { quantity: 1 as Amount, intent: 'add' } as const

/** The catalogue after the next one was stored elsewhere, without some features. */
function withoutFeature(feature: string): typeof catalogue {
  const { [feature]: _, ...features } = catalogue.features
  return { ...catalogue, revision: catalogue.revision + 1, features }
}

test('a feature that a newer catalogue no longer has is unknown, and what is left is read', async () => {
  const world = { now: NOW, catalogue, newest: withoutFeature('leads'), facts }
  const asked = checkItems(
    { ...depsOf(world), lastKnown },
    { workspace: 'acme', items: [{ ...one, feature: 'leads' }] },
  )
  await expect(asked).rejects.toMatchObject({ code: 'unknown_feature' })
  const { uses } = await readEntitlements(depsOf(world), 'acme')
  expect(uses.map(({ entitlement }) => entitlement.featureKey)).toEqual(Object.keys(world.newest.features))
})

test.for([
  [{ feature: 'contacts_companies', meter: 'contacts', subject: 'c1' }, 'subject'],
  [{ feature: 'mixed', meter: 'leads', subject: 'l1' }, 'subject'],
  [{ feature: 'mixed', meter: 'whatsapp_numbers', subject: '+1' }, null],
  [{ feature: 'mixed', subject: '+1' }, null],
] as const)(
  'a check refuses a subject of a meter that counts no resources, as consuming does: %j',
  async ([asked, field]) => {
    const { leads } = catalogue.features
    if (leads === undefined) throw new Error('no leads')
    const mixed = { ...leads, meters: ['leads', 'whatsapp_numbers'] }
    const world = { now: NOW, catalogue: { ...catalogue, features: { ...catalogue.features, mixed } }, facts }
    const checked = checkItems(
      { ...depsOf(world), lastKnown },
      { workspace: 'acme', items: [{ ...one, ...asked }] },
    )
    if (field === null) expect((await checked).decisions).toHaveLength(1)
    else await expect(checked).rejects.toMatchObject({ code: 'invalid_request', details: { field } })
  },
)

test('a feature that a newer catalogue has is among those that are read', async () => {
  const world = { now: NOW, catalogue: { ...withoutFeature('leads'), revision: 1 }, newest: catalogue, facts }
  const { uses } = await readEntitlements(depsOf(world), 'acme')
  expect(uses.map(({ entitlement }) => entitlement.featureKey)).toContain('leads')
})

test.for([
  ['nothing', NO_FACTS, {}, false],
  ['a lead that came and went', NO_FACTS, { leads: '0' }, true],
  [
    'an override',
    { ...NO_FACTS, overrides: { leads: { limit: 1 as Amount, until: null, reason: 'r' } } },
    {},
    true,
  ],
  ['a subscription', facts, {}, true],
] as const)('a workspace of which there is %s: is it known?', async ([, its, fields, isKnown]) => {
  const read = readEntitlements(depsOf({ now: NOW, catalogue, facts: its, fields }), 'acme')
  await expect(
    read.then(
      () => true,
      ({ code }) => code,
    ),
  ).resolves.toBe(isKnown || 'not_found')
})

test('who is a member of one meter is not free in another: the meter that is named decides', async () => {
  const { whatsapp_numbers: numbers } = catalogue.features
  if (numbers === undefined) throw new Error('no numbers')
  const channels = { ...numbers, meters: ['whatsapp_numbers', 'instagram_accounts'] }
  const world = {
    now: NOW,
    catalogue: { ...catalogue, features: { ...catalogue.features, whatsapp_numbers: channels } },
    facts: {
      ...facts,
      revision: '1.1.0',
      overrides: { whatsapp_numbers: { limit: 1 as Amount, until: null, reason: 'one' } },
    },
    members: { whatsapp_numbers: ['shop'] },
  }
  const ask = async (meter?: string): Promise<string | undefined> => {
    const item = {
      ...one,
      feature: 'whatsapp_numbers',
      subject: 'shop',
      ...(meter === undefined ? {} : { meter }),
    }
    const { decisions } = await checkItems(
      { ...depsOf(world), lastKnown },
      { workspace: 'acme', items: [item] },
    )
    return decisions[0]?.reason
  }
  expect([await ask('whatsapp_numbers'), await ask('instagram_accounts'), await ask()]).toEqual([
    'within_limit',
    'limit_reached',
    'within_limit',
  ])
})
