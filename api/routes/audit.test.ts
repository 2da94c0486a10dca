import { afterAll, expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import type { OverrideRecord } from '#core/audit/audit-entry.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { appWith, getFrom } from '#test/helpers/app.ts'
import { END, START, subscriptionWith } from '#test/helpers/facts.ts'

const COUNT = 120
const by = { kind: 'key', id: 'AAAAAAAA', label: 'support' } as const
const changes = Array.from({ length: COUNT }, (_, index): OverrideRecord => {
  const override = { limit: index as Amount, until: null, reason: 'a pilot' }
  const record = { action: 'override', feature: 'leads', by, reason: 'a pilot', before: null } as const
  return { ...record, at: START + index, override }
})
const versions: SubscriptionEvent[] = []

const app = await appWith({
  now: END - 1,
  overrides: async () => changes,
  versions: async () => versions,
})
afterAll(() => app.close())

/** A version that happened among the first changes, and comes to us only now. */
function arriveLate(version: number): void {
  const event = {
    id: `v${version}`,
    workspace: 'acme',
    version,
    type: 'corrected',
    actor: 'support',
  } as const
  versions.push({ ...event, occurredAt: START + 5, subscription: subscriptionWith(), order: null })
}

test('audit: versions that come late while it is read page by page neither hide a change nor show one twice', async () => {
  const limits: unknown[] = []
  let cursor: unknown = null
  do {
    const url = `/v1/workspaces/acme/audit${cursor === null ? '' : `?cursor=${cursor}`}`
    const { status, body } = await getFrom(app, url)
    expect(status).toBe(200)
    const entries = body['entries'] as { readonly action: string; readonly after: { limit: number } }[]
    limits.push(...entries.filter(({ action }) => action === 'override_set').map(({ after }) => after.limit))
    cursor = body['cursor']
    arriveLate(versions.length + 1)
  } while (cursor !== null)
  expect(limits).toEqual(changes.map((_, index) => COUNT - 1 - index))
})

test('audit: places count from the oldest, and a cursor that no page stated is named', async () => {
  const { body } = await getFrom(app, '/v1/workspaces/acme/audit')
  const numbers = (body['entries'] as { readonly number: number }[]).map(({ number }) => number)
  const all = COUNT + versions.length
  expect([numbers[0], numbers.at(-1)]).toEqual([all, all - 49])
  for (const cursor of ['override-121', '51', 'version-'])
    expect(await getFrom(app, `/v1/workspaces/acme/audit?cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', field: 'cursor' },
    })
})
