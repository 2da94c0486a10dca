import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const text = readFileSync(join(root, 'docs/security.md'), 'utf8')
/** Rows of the threat model: threat, what we do, where, tested by. */
const rows = text
  .slice(0, text.indexOf('\n## '))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (threat|-+) /.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

function filesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([a-z]+\/[^`\s]+\.(?:ts|lua|acl))`/g)].map(([, path = '']) => path)
}

test('each threat of docs/security.md has what is done, where, and what tests it', () => {
  expect(rows.length).toBeGreaterThan(12)
  const wanting = rows.filter(
    ([, , measure = '', where = '', tests = '']) =>
      measure === '' || filesIn(where).length === 0 || !/\bG\d+\b|\.test\.ts/.test(tests),
  )
  expect(wanting.map(([, threat]) => threat)).toEqual([])
})

test('each file that docs/security.md names exists', () => {
  expect(filesIn(text).filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('a guarantee that a row names stands at the head of a title in the files beside it', () => {
  const wrong = rows.flatMap(([, threat = '', , , tests = '']) =>
    [...tests.matchAll(/(G\d+): (`[^;]*)/g)].flatMap(([, id = '', files = '']) => {
      const titles = filesIn(files).map((path) => readFileSync(join(root, path), 'utf8'))
      return titles.some((title) => new RegExp(`['"\`](?:[SLG]\\d+, )*${id}\\b[^:]*: `).test(title))
        ? []
        : [`${threat}: ${id}`]
    }),
  )
  expect(wrong).toEqual([])
})
