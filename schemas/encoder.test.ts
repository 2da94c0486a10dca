import { expect, test } from 'vitest'
import { TallygateError } from '#core/errors.ts'
import { encoderOf } from './encoder.ts'

const lead = {
  id: 'e1',
  workspace: 'acme',
  occurredAt: Date.UTC(2026, 0, 1),
  source: 'crm',
  leadId: 'l',
  action: 'created',
}

test('encodes what the schema allows, optional fields left out', () => {
  expect(encoderOf('LeadEvent', 7)(lead).subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, 0, 7]))
})

test.for([
  ['a value of another type', 'removed twice', 'action is "removed twice", not'],
  ['an object', {}, 'action is {}, not'],
  [
    'an object that refuses to be text',
    { toString: 1, valueOf: 1 },
    'action is {"toString":1,"valueOf":1}, not',
  ],
] as const)('G22: %s is refused, and the field is named', ([, action, said]) => {
  const refused = (): unknown => encoderOf('LeadEvent', 7)({ ...lead, action })
  expect(refused).toThrow(TallygateError)
  expect(refused).toThrow(said)
})
