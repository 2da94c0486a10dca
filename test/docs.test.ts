import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { deadLetterCodes, errorCodes, TallygateError } from '#core/errors.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

function sourcesOf(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => read(join(folder, name)))
}

test('security.md: the Kafka rights of the consumers name every group they join and every topic they read', () => {
  const [row = ''] = read('docs/security.md').match(/^\| consumers +\|.*$/m) ?? []
  const [reads = ''] = row.split('; write')
  const consumers = sourcesOf('consumers').join('\n')
  const groups = [...consumers.matchAll(/groupId(?::| =) '([^']+)'/g)].map(([, group]) => `\`${group}\``)
  const topics = [...consumers.matchAll(/topic(?::| =) '([^']+)',?\n/g)].map(([, topic]) => `\`${topic}\``)
  expect(groups.length).toBeGreaterThan(2)
  expect(reads.match(/`tallygate-[^`]+`/g)?.toSorted()).toEqual([...new Set(groups)].toSorted())
  expect(reads.match(/`[a-z]+\.[a-z]+`/g)?.toSorted()).toEqual([...new Set(topics)].toSorted())
})

test('errors.md: every code stands there, in its table, with its status and whether the call may be made again', () => {
  const [, ofRequests = '', ofRecords = ''] = read('docs/errors.md').split(/^## /m)
  const rowsOf = (section: string): readonly (readonly string[])[] =>
    section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  const written = rowsOf(ofRequests).map(([, code, status, again]) => [code, status, again])
  const known = errorCodes.map((code) => {
    const { status, retry } = new TallygateError(code, '')
    return [code, String(status), retry ? 'yes' : 'no']
  })
  expect(written.toSorted()).toEqual(known.toSorted())
  const letters = rowsOf(ofRecords).map(([, code]) => code)
  expect(letters.toSorted()).toEqual(deadLetterCodes.toSorted())
})
