import { expect, test } from 'vitest'
import { shardKeys } from './keys.ts'

test('G21: operations of two workspaces never share a key, whatever colons their ids have', () => {
  const { operation } = shardKeys(0)
  expect(operation('acme', 'br:1')).not.toBe(operation('acme:br', '1'))
})
