import { expect, test } from 'vitest'
import { exitCodeOf } from './exit-code-of.ts'

const differs = { workspace: 'acme', counter: 'leads', counted: '2', recounted: '1' }
const late = { ...differs, counter: 'ai_credits:20261123', mayBeCopies: true } as const

test('verify: one counter that differs fails it, also beside others of its workspace that late copies explain', () => {
  expect(exitCodeOf({ differences: [], rebuilding: [] })).toBe(0)
  expect(exitCodeOf({ differences: [late], rebuilding: [] })).toBe(0)
  expect(exitCodeOf({ differences: [late, differs], rebuilding: [] })).toBe(1)
  expect(exitCodeOf({ differences: [differs], rebuilding: [3] })).toBe(1)
  expect(exitCodeOf({ differences: [late], rebuilding: [3] })).toBe(3)
})
