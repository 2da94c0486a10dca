import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { contractText } from './contract.ts'

test('docs/openapi.json is what the route schemas say; make openapi writes it anew', async () => {
  const stored = readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(stored)).toEqual(JSON.parse(await contractText()))
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
