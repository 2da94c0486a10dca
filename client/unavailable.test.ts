import { expect, test } from 'vitest'
import { TallygateClientError } from './client-error.ts'
import { decideUnavailable, type UnavailablePolicy } from './unavailable.ts'

const away = new TallygateClientError({ code: 'timeout', message: 'no answer' })
const asked = { workspace: 'acme', items: [{ feature: 'leads', quantity: 3 }, { feature: 'ai_credits' }] }

function answers(policy: UnavailablePolicy, failure: unknown = away): readonly unknown[] {
  return decideUnavailable(policy, failure, asked).map(({ reason }) => reason)
}

test('onUnavailable: each feature by its own policy, marked as degraded', () => {
  expect(answers({ leads: 'allow', ai_credits: 'deny' })).toEqual(['degraded_allow', 'degraded_deny'])
  expect(decideUnavailable('allow', away, asked)[0]).toMatchObject({
    allowed: true,
    feature: 'leads',
    quantity: 3,
    degraded: true,
    exact: false,
  })
})

test('onUnavailable: a feature that is not named throws the failure itself', () => {
  expect(() => answers({ leads: 'allow' })).toThrow(away)
  expect(() => answers('throw')).toThrow(away)
})

test('onUnavailable: a call that was refused is never answered by policy', () => {
  const refused = new TallygateClientError({ code: 'forbidden', message: 'no scope', status: 403 })
  expect(() => answers('allow', refused)).toThrow(refused)
  expect(() => answers('allow', new TypeError('a bug'))).toThrow(TypeError)
})

test('onUnavailable: a feature named like a property of every object has no policy by that', () => {
  const items = [{ feature: 'constructor' }]
  expect(() => decideUnavailable({}, away, { workspace: 'acme', items })).toThrow(away)
})
