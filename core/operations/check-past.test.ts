import { expect, test } from 'vitest'
import { defaultCatalogue, END, START, subscriptionWith } from '../../test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import { DAY_MS } from '../instant.ts'
import type { CounterReading, PastDays } from '../ports.ts'
import { ARCHIVE_FIELD } from '../usage/counter-fields.ts'
import { checkPast, type PastDeps } from './check-past.ts'

const catalogue = defaultCatalogue()
const NOW = END - DAY_MS

interface Kept {
  readonly fields: Readonly<Record<string, string>>
  readonly pages?: Readonly<Record<string, PastDays>>
  readonly state?: CounterReading['state']
}

function depsWith({ fields, pages = {}, state = 'ready' }: Kept): PastDeps {
  const versions = [
    {
      id: 'v1',
      workspace: 'acme',
      version: 1,
      occurredAt: START,
      type: 'purchased',
      actor: 'customer',
      subscription: subscriptionWith(),
      order: null,
    },
  ] as const
  const accuracy = {
    asOf: NOW,
    lagMs: 0,
    exact: true,
    now: NOW,
    isKnown: true,
    sizes: {},
    membership: {},
    heldSubjects: {},
  }
  return {
    counters: {
      read: async (_, plan) => {
        const read = plan.fields.map((field) => [field, fields[field] ?? null])
        return {
          state,
          factsRevision: '',
          catalogueRevision: 1,
          ...accuracy,
          fields: Object.fromEntries(read),
        }
      },
    },
    archive: {
      page: async (name) => {
        const page = pages[name]
        if (page === undefined) throw new Error(`no page ${name}`)
        return page
      },
    },
    history: {
      catalogueAt: async () => ({ catalogue, wasInForce: true }),
      historyOf: async () => {
        return { versions, rulesAt: () => catalogue, overrides: [], judged: { before: null, after: null } }
      },
    },
    now: () => NOW,
  }
}

function ask(
  kept: Kept,
  { feature, at, subject }: { feature: string; at: string | number; subject?: string },
) {
  const request = { feature, quantity: 1 as Amount, intent: 'add' } as const
  return checkPast(depsWith(kept), {
    workspace: 'acme',
    request: subject === undefined ? request : { ...request, subject },
    at: new Date(at).getTime(),
  })
}

test('days that were archived count as they did, and a late record on top of them, too', async () => {
  const pages = {
    new: {
      through: '20260720',
      previous: 'old',
      figures: { 'ai_credits:20260715': 300, 'leads:20260716:l': 9 },
    },
    old: { through: '20260705', previous: null, figures: { 'ai_credits:20260704': 50 } },
  }
  const fields = { [ARCHIVE_FIELD]: 'new', 'ai_credits:20260715': '7' }
  const asked = { feature: 'ai_credits', at: '2026-07-20T00:00:00Z' }
  expect(await ask({ fields, pages }, asked)).toMatchObject({ used: 307, limit: 1_500, exact: false })
  expect(await ask({ fields, pages }, { ...asked, feature: 'leads' })).toMatchObject({ used: 9 })
})

test('the trace begins with the instant and what is not known, and ends with the verdict', async () => {
  const fields = { 'whatsapp_numbers:20260901:l': '1' }
  const { trace, reason } = await ask(
    { fields },
    { feature: 'whatsapp_numbers', at: '2026-09-10T00:00:00Z', subject: '+1' },
  )
  expect(reason).toBe('limit_reached')
  expect(trace[0]?.detail).toMatch(/^answered from history as of 2026-09-10T00:00:00.000Z/)
  expect(trace[1]?.detail).toMatch(/whether \+1 was a member then is not kept/)
  expect(trace.at(-1)?.step).toBe('verdict')
})

test.for([
  ['an instant ahead', NOW + 1],
  ['an instant more than 400 days back', NOW - 400 * DAY_MS],
  ['an instant that is none', 'lunch'],
] as const)('%s is refused and names the field', async ([, at]) => {
  await expect(ask({ fields: {} }, { feature: 'leads', at })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { field: 'at' },
  })
})

test('counters that are being rebuilt say nothing of the past: unavailable, never a silent zero', async () => {
  const asked = { feature: 'leads', at: NOW - DAY_MS }
  await expect(ask({ fields: {}, state: 'rebuilding' }, asked)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a feature that was not sold then is unknown', async () => {
  const asked = { feature: 'teleport', at: NOW - DAY_MS }
  await expect(ask({ fields: {} }, asked)).rejects.toMatchObject({ code: 'unknown_feature' })
})
