import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pepperOf } from './pepper.ts'
import { readTarget } from './target.ts'

const KEPT = 'f3a91c07d25b846e'.repeat(2)
const OTHER = '0b7c92e5a1d8f643'.repeat(2)
const MONGO = 'mongodb://127.0.0.1:1/tallygate'

/** The pepper for a key that is made in a folder where `make up` ran, by an environment. */
function pepper(env: Readonly<Record<string, string>>, kept = KEPT): string {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-pepper-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'run.json'), JSON.stringify({ mongo: MONGO }))
  if (kept !== '') writeFileSync(join(dir, 'pepper'), `${kept}\n`)
  const all = { TALLYGATE_DIR: dir, ...env }
  return pepperOf(readTarget(all), all)
}

test('key: an empty pepper is one that was left out', () => {
  expect(pepper({ TALLYGATE_KEY_PEPPER: '' })).toBe(KEPT)
  expect(() => pepper({ TALLYGATE_KEY_PEPPER: '' }, '')).toThrow('set TALLYGATE_KEY_PEPPER')
})

test('key: none is made with a pepper that no API starts with', () => {
  for (const given of ['short', 'change-me-change-me-change-me-1234567890', 'a'.repeat(64)])
    expect(() => pepper({ TALLYGATE_KEY_PEPPER: given }, '')).toThrow(/no API runs with.*openssl rand/)
  expect(() => pepper({}, 'short')).toThrow(/read from .*pepper\).*fewer than 32 characters/)
})

test('key: another pepper than the one of this folder is said to be so, but for an API elsewhere', () => {
  expect(pepper({ TALLYGATE_KEY_PEPPER: KEPT })).toBe(KEPT)
  expect(() => pepper({ TALLYGATE_KEY_PEPPER: OTHER })).toThrow('another pepper than that of')
  const elsewhere = { TALLYGATE_KEY_PEPPER: OTHER, MONGODB_URL: 'mongodb://db.example/tallygate' }
  expect(pepper(elsewhere)).toBe(OTHER)
})
