import { afterEach, expect, test, vi } from 'vitest'
import { newId } from './new-id.ts'

afterEach(() => vi.unstubAllGlobals())

test.each(['with randomUUID', 'without'])('ids differ and may be sent as they are: %s', (where) => {
  const getRandomValues = crypto.getRandomValues.bind(crypto)
  if (where === 'without') vi.stubGlobal('crypto', { getRandomValues })
  const ids = Array.from({ length: 1_000 }, newId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{32,36}$/)
})
