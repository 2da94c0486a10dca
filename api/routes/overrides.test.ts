import { afterAll, expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import type { OverrideRecord } from '#core/audit/audit-entry.ts'
import { appWith, getFrom, readPages } from '#test/helpers/app.ts'
import { checkOfSeen } from '#test/helpers/counted-world.ts'
import { defaultCatalogue, END, START } from '#test/helpers/facts.ts'

const COUNT = 60
/** Leads set again and again, at the end taken back; the last but one change gives agents until the period ends. */
const changes = Array.from({ length: COUNT }, (_, index): OverrideRecord => {
  const by = { kind: 'key', id: 'AAAAAAAA', label: 'support' } as const
  const record = { action: 'override', at: START + index, by, reason: 'a pilot', before: null } as const
  const limit = index as Amount
  if (index === COUNT - 2)
    return { ...record, feature: 'ai_agents', override: { limit, until: END, reason: 'a pilot' } }
  const override = index === COUNT - 1 ? null : { limit, until: null, reason: 'a pilot' }
  return { ...record, feature: 'leads', override }
})

const END_BEYOND = Date.parse('9999-12-31T23:59:59-23:59')

const app = await appWith({
  now: END - 1,
  check: checkOfSeen(['counted'], { now: END - 1, catalogue: defaultCatalogue() }),
  overrides: async (workspace) => (workspace === 'acme' ? changes : []),
})
afterAll(() => app.close())

test('overrides: every change is read page by page, newest first, and what is in force is told', async () => {
  const { entries, pages } = await readPages(app, { url: '/v1/workspaces/acme/overrides', list: 'overrides' })
  expect(pages).toBe(2)
  expect(entries.map(({ number }) => number)).toEqual(changes.map((_, index) => COUNT - index))
  expect(entries.slice(0, 2)).toEqual([
    { number: 60, feature: 'leads', at: '2026-06-10T09:00:00.059Z', isInForce: false, override: null },
    {
      number: 59,
      feature: 'ai_agents',
      at: '2026-06-10T09:00:00.058Z',
      isInForce: true,
      override: { limit: 58, until: '2026-12-10T09:00:00.000Z', reason: 'a pilot' },
    },
  ])
  expect(entries.filter(({ isInForce }) => isInForce === true)).toHaveLength(1)
})

test('a workspace of which there is use alone has no overrides and an empty audit; it was not found', async () => {
  expect(await getFrom(app, '/v1/workspaces/counted/overrides')).toMatchObject({
    status: 200,
    body: { overrides: [], cursor: null },
  })
  expect(await getFrom(app, '/v1/workspaces/counted/audit')).toMatchObject({
    status: 200,
    body: { entries: [], cursor: null },
  })
  expect((await getFrom(app, '/v1/workspaces/nobody/audit')).status).toBe(404)
})

test('an override that an earlier version stored, which ends after the year 9999, is listed, and can be taken back', async () => {
  const override = { limit: 5 as Amount, until: END_BEYOND, reason: 'a pilot' }
  const by = { kind: 'key', id: 'AAAAAAAA', label: 'support' } as const
  const set = { action: 'override', feature: 'leads', at: START, by, reason: 'a pilot' } as const
  const old = await appWith({
    now: END - 1,
    overrides: async () => [{ ...set, before: null, override }],
    changeOverride: async () => ({ ...set, before: override, override: null }),
  })
  const shown = { limit: 5, until: '9999-12-31T23:59:59.999Z', reason: 'a pilot' }
  const url = '/v1/workspaces/acme/overrides'
  expect(await getFrom(old, url)).toMatchObject({ status: 200, body: { overrides: [{ override: shown }] } })
  const headers = { authorization: 'Bearer key' }
  const wish = { method: 'DELETE', url: `${url}/leads`, headers, payload: { reason: 'over' } } as const
  const answer = await old.inject(wish)
  expect([answer.statusCode, answer.json()]).toMatchObject([200, { before: shown, override: null }])
  await old.close()
})

test('overrides: a workspace that nobody has named is not found, a cursor that is none is named', async () => {
  expect((await getFrom(app, '/v1/workspaces/nobody/overrides')).status).toBe(404)
  expect(await getFrom(app, '/v1/workspaces/acme/overrides?cursor=-1')).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', field: 'cursor' },
  })
})
