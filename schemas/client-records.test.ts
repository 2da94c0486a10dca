import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { clientRecordsText } from './client-records.ts'

test('client/events/records.gen.ts is what the schemas say; make records writes it anew', () => {
  const stored = readFileSync(new URL('../client/events/records.gen.ts', import.meta.url), 'utf8')
  expect(stored).toBe(clientRecordsText())
})
