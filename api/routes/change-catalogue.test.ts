import { expect, onTestFinished, test } from 'vitest'
import { appWith } from '#test/helpers/app.ts'

const none = { added: [], changed: [], removed: [] }
const changes = { plans: none, features: none, meters: none, addOns: none, settings: none }

test.for([
  ['', false],
  ['?dryRun=false', false],
  ['?dryRun=true', true],
  ['?dryRun', true],
  ['?dryRun=', true],
] as const)('PUT /v1/catalogue%s: is nothing stored? %s', async ([query, isDryRun]) => {
  const app = await appWith({
    now: 0,
    changeCatalogue: async (wish) => ({ revision: wish.isDryRun ? 0 : 2, changes }),
  })
  onTestFinished(() => app.close())
  const answer = await app.inject({
    method: 'PUT',
    url: `/v1/catalogue${query}`,
    headers: { authorization: 'Bearer key', 'if-match': '"1"' },
    payload: {},
  })
  expect([answer.statusCode, answer.json().isDryRun, answer.json().revision]).toEqual([
    200,
    isDryRun,
    isDryRun ? 0 : 2,
  ])
})
