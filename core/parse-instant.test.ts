import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseInstant, toIso } from './instant.ts'

const read = (text: string): string | null => {
  const instant = parseInstant(text)
  return instant === null ? null : toIso(instant)
}

test.for([
  ['2026-11-20', '2026-11-20T00:00:00.000Z'],
  ['2026-11-20T14:00', '2026-11-20T14:00:00.000Z'],
  ['2026-11-20 14:00:30.5', '2026-11-20T14:00:30.500Z'],
  ['2026-11-20T14:00:00Z', '2026-11-20T14:00:00.000Z'],
  ['2026-11-20t14:00:00z', '2026-11-20T14:00:00.000Z'],
  ['2026-11-20T14:00:00-03:00', '2026-11-20T17:00:00.000Z'],
  ['2026-11-20T14:00:00+0530', '2026-11-20T08:30:00.000Z'],
] as const)('%s is %s', ([text, instant]) => {
  expect(read(text)).toBe(instant)
})

test.for([
  '2026-06-31',
  '2026-06-31T10:00:00Z',
  '2026-11-20T24:30:00Z',
  '2026-11-20Z',
  '2026-11-20 2:00 pm',
  '20261120',
  '1795186800000',
  'yesterday',
  '',
])('%o is no instant', (text) => {
  expect(read(text)).toBeNull()
})

test('a time without a zone is one of UTC on a machine anywhere', () => {
  const module = new URL('./instant.ts', import.meta.url).href
  const program = `import { parseInstant } from '${module}'; console.log(parseInstant('2026-11-20T14:00:00'))`
  const args = ['--input-type=module', '--eval', program]
  const env = { ...process.env, TZ: 'America/Sao_Paulo', NODE_NO_WARNINGS: '1' }
  expect(execFileSync(process.execPath, args, { env, encoding: 'utf8' }).trim()).toBe(
    String(Date.UTC(2026, 10, 20, 14)),
  )
})
