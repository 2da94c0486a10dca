import { afterAll, expect, test } from 'vitest'
import { TallygateError } from '#core/errors.ts'
import { appWith, contextWith, getFrom } from '#test/helpers/app.ts'
import { defaultCatalogue, START } from '#test/helpers/facts.ts'

const catalogue = defaultCatalogue()
const app = await appWith({
  now: START,
  check: {
    ...contextWith({ now: START }).check,
    catalogue: { remembered: () => catalogue, load: async () => catalogue },
  },
  nearLimits: async () => [],
})
afterAll(() => app.close())

async function problemOf(method: 'POST' | 'PUT', url: string, payload: object): Promise<unknown> {
  const headers = { authorization: 'Bearer key', 'if-match': '"1"' }
  return (await app.inject({ method, url, headers, payload })).json()
}

test('a word that is none of those allowed is refused with those that are', async () => {
  const asked = { workspace: 'acme', feature: 'leads', intent: 'write' }
  expect(await problemOf('POST', '/v1/check', asked)).toMatchObject({
    code: 'invalid_request',
    field: 'intent',
    detail: 'body intent: must be one of "read", "use", "add"',
  })
  expect(await problemOf('PUT', '/v1/catalogue?dryRun=yes', {})).toMatchObject({
    field: 'dryRun',
    detail: 'querystring dryRun: must be one of "", "true", "false"',
  })
  const events = [{ record: 'LeedEvent', workspace: 'acme' }]
  expect(await problemOf('POST', '/v1/events', { events })).toMatchObject({
    field: 'events.0.record',
    detail: expect.stringContaining('must be one of "LeadEvent", '),
  })
})

test('a misspelled feature of the list of those near a limit is refused: it was an empty list', async () => {
  expect(await getFrom(app, '/v1/usage?feature=leeds')).toMatchObject({
    status: 422,
    body: { code: 'unknown_feature', known: expect.arrayContaining(['leads']) },
  })
  expect(await getFrom(app, '/v1/usage?feature=leads')).toMatchObject({ status: 200, body: { usage: [] } })
})

test('a cursor of notices that no page stated is refused: it began at the top', async () => {
  for (const cursor of ['zzz', '1', `${'1'.repeat(16)}~`])
    expect(await getFrom(app, `/v1/workspaces/acme/notices?cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', field: 'cursor' },
    })
})

test('an operation that is dated ahead is not called too old', () => {
  expect(new TallygateError('stale_operation', 'op: …').title).toContain('or ahead')
})
