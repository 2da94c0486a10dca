import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { appWith } from '#test/helpers/app.ts'
import { contractText } from './contract.ts'

const stored = readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8')

test('docs/openapi.json is what the route schemas say; make openapi writes it anew', async () => {
  expect(JSON.parse(stored)).toEqual(JSON.parse(await contractText()))
})

test('the contract is served as it is stored: nobody waits for it to be made', async () => {
  const app = await appWith({ now: 0 })
  onTestFinished(() => app.close())
  for (const _ of ['first', 'again']) {
    const { statusCode, headers, body } = await app.inject({ url: '/openapi.json' })
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect(body === stored).toBe(true)
  }
})

test('every route states its scope or that it is open', async () => {
  const { paths } = JSON.parse(await contractText())
  expect(Object.keys(paths).toSorted()).toEqual([
    '/healthz',
    '/readyz',
    '/v1/catalogue',
    '/v1/catalogue/revisions',
    '/v1/check',
    '/v1/checks',
    '/v1/consume',
    '/v1/dead-letters',
    '/v1/dead-letters/{id}',
    '/v1/events',
    '/v1/quote',
    '/v1/reservations',
    '/v1/reservations/{id}/commit',
    '/v1/reservations/{id}/release',
    '/v1/system',
    '/v1/usage',
    '/v1/what-if',
    '/v1/workspaces/{ws}/audit',
    '/v1/workspaces/{ws}/decisions',
    '/v1/workspaces/{ws}/entitlements',
    '/v1/workspaces/{ws}/notices',
    '/v1/workspaces/{ws}/orders',
    '/v1/workspaces/{ws}/overrides',
    '/v1/workspaces/{ws}/overrides/{feature}',
    '/v1/workspaces/{ws}/subscription',
    '/v1/workspaces/{ws}/usage',
  ])
})
