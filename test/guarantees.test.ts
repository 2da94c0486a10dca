import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testedMutants } from './mutation/tested-mutants.ts'
import { mutants } from './simulator/mutants.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('docs/guarantees.md')
const IDS = Array.from({ length: 29 }, (_, number) => `G${number}`)

/** A row of the first table. */
interface Row {
  readonly id: string
  readonly shownBy: string
  readonly failsWhen: string
}

const rows = page
  .slice(0, page.indexOf('\n## '))
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id = '']) => /^G\d+$/.test(id))
  .map(([, id = '', , shownBy = '', failsWhen = '']): Row => ({ id, shownBy, failsWhen }))
/** What the rows of the figures are about. */
const figures = page.split('\n## ')[1]?.match(/^\| G[^|]*/gm) ?? []

/** Test files that a cell names: by their path, or by their name alone where they stand under `test`. */
function filesIn(cell: string): readonly string[] {
  const names = [...cell.matchAll(/`([^`\s]+\.test\.ts)`/g)].map(([, name = '']) => name)
  const all = cell.includes('simulator') ? [...names, 'simulator.test.ts'] : names
  return all.flatMap((name) => {
    const found = globSync(name.includes('/') ? name : `test/**/${name}`, { cwd: root })
    return found.length === 0 ? [`there is no ${name}`] : found
  })
}

/** Whether a title of a file begins with an id, alone or among others. */
function isHeaded(path: string, id: string): boolean {
  return new RegExp(`['"\`](?:[SLG]\\d+, )*${id}\\b[^:]*: `).test(read(path))
}

test('guarantees.md has one row for each guarantee', () => {
  expect(rows.map(({ id }) => id).toSorted()).toEqual(IDS.toSorted())
})

test('guarantees.md: each guarantee stands at the head of a title in the files beside it, which are all there', () => {
  const wrong = rows.flatMap(({ id, shownBy }) => {
    const files = filesIn(shownBy)
    const missing = files.filter((path) => path.startsWith('there is no'))
    if (missing.length > 0) return missing.map((path) => `${id}: ${path}`)
    return files.some((path) => isHeaded(path, id))
      ? []
      : [`${id}: no title in ${files.join(', ') || 'nothing'}`]
  })
  expect(wrong).toEqual([])
})

test('guarantees.md: each guarantee fails on a line that is broken, and has a figure', () => {
  expect(rows.filter(({ failsWhen }) => failsWhen.length < 5).map(({ id }) => id)).toEqual([])
  const broken = new Set(testedMutants.map(({ guarantee }) => guarantee))
  expect(IDS.filter((id) => id !== 'G0' && !broken.has(id))).toEqual([])
  const shown = new Set(
    figures.flatMap((about) => about.match(/^\| (G\d+(?:, G\d+)*)/)?.[1]?.split(', ') ?? []),
  )
  expect(IDS.filter((id) => !shown.has(id))).toEqual([])
})

test('guarantees.md: as many broken lines, points of death and unsafe settings as there are', () => {
  const said = (what: string): readonly string[] =>
    page.match(new RegExp(`(\\d+) of (\\d+) ${what}`))?.slice(1) ?? []
  const both = (count: number): readonly string[] => [String(count), String(count)]
  expect(said('broken lines found')).toEqual(both(mutants.length))
  expect(said('noticed')).toEqual(both(testedMutants.length))
  const points = /const POINTS = \[(.*?)\]/s.exec(read('test/chaos/use-guarantees.test.ts'))?.[1] ?? ''
  const count = points.match(/'[^']+'/g)?.length
  expect(page.match(/an API killed at (\w+) points/g)).toEqual(
    Array(2).fill(`an API killed at ${count} points`),
  )
  const refused = (read('test/systems/boot.test.ts').match(/^ {4}what: '|^ {2}\{ what: '/gm) ?? []).length + 2
  expect(said('refused by name')).toEqual(both(refused))
})
