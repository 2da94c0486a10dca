import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import { DAY_MS } from '#core/instant.ts'
import { type CheckDeps, checkItems } from '#core/operations/check.ts'
import { NO_FACTS } from '#core/operations/read-workspace.ts'
import { depsOf } from '#test/helpers/counted-world.ts'
import { defaultCatalogue, END, START, subscriptionWith } from '#test/helpers/facts.ts'
import { rememberVerdicts } from './last-known.ts'

const catalogue = defaultCatalogue()
const facts = { ...NO_FACTS, revision: '1.0.0', subscription: subscriptionWith({ plan: 'pro' }) }
const ask = (intent: 'add' | 'use' | 'read', quantity = 1) => {
  return { feature: 'ai_agents', intent, quantity: quantity as Amount }
}

/** Asks while Redis answers, at an instant, and then the rest while it does not: whether each is allowed. */
async function askedThen(
  now: number,
  before: readonly ReturnType<typeof ask>[],
  after: readonly (readonly ReturnType<typeof ask>[])[],
): Promise<readonly (boolean | string)[]> {
  const lastKnown = rememberVerdicts()
  const deps = { ...depsOf({ now, catalogue, facts, members: { ai_agents: ['a'] } }), lastKnown }
  for (const item of before) await checkItems(deps, { workspace: 'acme', items: [item] })
  const away: CheckDeps = {
    ...deps,
    counters: {
      read: async () => ({
        ...(await deps.counters.read('acme', { fields: [], sets: [] })),
        state: 'rebuilding',
      }),
    },
  }
  return Promise.all(
    after.map(async (items) => (await checkItems(away, { workspace: 'acme', items })).allowed),
  )
}

test('S16: that a lapsed workspace may read says nothing of adding, nor the other way round', async () => {
  const lapsed = END + DAY_MS
  const [add, use, read] = [[ask('add')], [ask('use')], [ask('read')]]
  expect(await askedThen(lapsed, [ask('read')], [add, read])).toEqual([false, true])
  expect(await askedThen(lapsed, [ask('read'), ask('add')], [add, read])).toEqual([false, true])
  expect(await askedThen(lapsed, [ask('add')], [add, use, read])).toEqual([false, false, false])
})

test('who could add may use and read, as far as the last figures go; several items must fit together', async () => {
  const now = START + DAY_MS
  const limit = (await limitAt(now)) ?? 0
  const [half, rest] = [Math.floor(limit / 2), limit - 1]
  expect(
    await askedThen(
      now,
      [ask('add')],
      [
        [ask('add', rest)],
        [ask('add', rest + 1)],
        [ask('use')],
        [ask('add', rest), ask('add')],
        [ask('add', half)],
      ],
    ),
  ).toEqual([true, false, true, false, true])
})

async function limitAt(now: number): Promise<number | null> {
  const deps = { ...depsOf({ now, catalogue, facts, fields: {} }), lastKnown: rememberVerdicts() }
  return (await checkItems(deps, { workspace: 'acme', items: [ask('add')] })).decisions[0]?.limit ?? null
}
