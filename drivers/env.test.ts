import { expect, test } from 'vitest'
import { readEnv } from './env.ts'
import { Type } from './json-schema.ts'

const fragment = {
  PORT: Type.Integer({ default: 80, minimum: 1, maximum: 65_535, description: 'a port' }),
  SHARE: Type.Number({ default: 0.5, minimum: 0, maximum: 1 }),
  LOUD: Type.Boolean({ default: false }),
  SECRET: Type.String({ minLength: 4, pattern: '^[a-z]*$' }),
  ELSE: Type.Optional(Type.String()),
}

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readEnv(fragment, env)
    return []
  } catch (error) {
    return Object(error).details.problems
  }
}

test('env: what is not stated has its default, and an empty text states nothing', () => {
  const settings = { PORT: 80, SHARE: 0.5, LOUD: false, SECRET: 'abcd' }
  expect(readEnv(fragment, { SECRET: 'abcd' })).toEqual(settings)
  expect(readEnv(fragment, { SECRET: 'abcd', PORT: '', ELSE: '' })).toEqual(settings)
})

test('env: texts become numbers and truths', () => {
  const env = { PORT: '8080', SHARE: '1e-3', LOUD: 'TRUE', SECRET: 'abcd', ELSE: 'x' }
  expect(readEnv(fragment, env)).toEqual({ PORT: 8080, SHARE: 0.001, LOUD: true, SECRET: 'abcd', ELSE: 'x' })
  expect(readEnv(fragment, { ...env, LOUD: '0' }).LOUD).toBe(false)
})

test.each(['http', '1.5', '0x10', '1e3', 'true', ' '])('env: %s is no port', (text) => {
  expect(faultsOf({ PORT: text, SECRET: 'abcd' })).toEqual(['PORT must be integer (a port)'])
})

test('env: every problem is said at once, none of them with its value', () => {
  expect(faultsOf({ PORT: '0', SHARE: '2', LOUD: 'loud', SECRET: 'A1' })).toEqual([
    'PORT must be >= 1 (a port)',
    'SHARE must be <= 1',
    'LOUD must be boolean',
    'SECRET must not have fewer than 4 characters',
    'SECRET must match pattern "^[a-z]*$"',
  ])
  expect(faultsOf({ SHARE: 'NaN' })).toEqual(['SHARE must be number', 'SECRET must be set'])
})
