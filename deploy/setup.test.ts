import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { problemsOfSetup } from './setup.ts'

const good = readFileSync(join(import.meta.dirname, 'catalogue.json'), 'utf8')

function problemsOf(catalogue: string, env: Readonly<Record<string, string>> = {}): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-setup-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'catalogue.json')
  writeFileSync(file, catalogue)
  return problemsOfSetup(env, file)
}

test('setup --validate: a good catalogue and good settings have no problem', () => {
  expect(problemsOf(good)).toBeNull()
  expect(problemsOfSetup({})).toBeNull()
})

test('setup --validate: every problem of a catalogue is a line with its place, beside those of the settings', () => {
  const broken = JSON.parse(good)
  broken.plans.base.rank = 'first'
  broken.features.leads.meters = ['faxes']
  broken.colour = 'blue'
  const told = problemsOf(JSON.stringify(broken), { REDIS_URL: 'http://x', KAFKA_REPLICATION: 'three' }) ?? ''
  const lines = told.split('\n').map((line) => line.trim())
  for (const place of ['plans.base.rank: ', 'features.leads.meters', 'colour: ']) {
    expect(
      lines.filter((line) => line.startsWith(place)),
      `${place} in ${told}`,
    ).not.toEqual([])
  }
  for (const name of ['REDIS_URL', 'KAFKA_REPLICATION']) expect(told).toContain(name)
})

test('setup --validate: what is no JSON is said to be none', () => {
  expect(problemsOf('{ "plans": ')).toMatch(/catalogue\.json cannot be read as JSON: /)
})
