import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const IDS = [
  ...Array.from({ length: 17 }, (_, index) => `S${index + 1}`),
  ...Array.from({ length: 4 }, (_, index) => `L${index + 1}`),
]

/** A row of the table in docs/rules.md. */
interface Row {
  readonly id: string
  readonly enforcedIn: readonly string[]
  readonly tests: readonly string[]
  readonly acceptance: readonly string[]
}

function filesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+\.(?:ts|json|lua|py))`/g)].map(([, path = '']) => path)
}

const rows = readFileSync(join(root, 'docs/rules.md'), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, id = '']) => /^[SL]\d+$/.test(id))
  .map(([, id = '', , enforcedIn = '', tests = '', acceptance = '']): Row => {
    return {
      id,
      enforcedIn: filesIn(enforcedIn),
      tests: filesIn(tests),
      acceptance: filesIn(acceptance),
    }
  })

/** The ids that titles of a test file begin with, each list of them followed by a colon. */
function idsOfTitles(path: string): ReadonlySet<string> {
  const titles = readFileSync(join(root, path), 'utf8').matchAll(/['"`]((?:[SLG]\d+(?:, )?)+): /g)
  return new Set([...titles].flatMap(([, ids = '']) => ids.split(', ')))
}

const inTitles = new Map(
  globSync('{core,api,consumers,drivers,test}/**/*.test.ts', { cwd: root }).map(
    (path): [string, ReadonlySet<string>] => [path, idsOfTitles(path)],
  ),
)

test('docs/rules.md has one row for each rule, in order', () => {
  expect(rows.map(({ id }) => id)).toEqual(IDS)
})

test('each rule stands at the head of at least one test title', () => {
  expect(IDS.filter((id) => ![...inTitles.values()].some((ids) => ids.has(id)))).toEqual([])
})

test('each row names where the rule is enforced, in files that exist', () => {
  const named = rows.flatMap(({ id, enforcedIn }) => {
    const missing = enforcedIn.filter((path) => !existsSync(join(root, path)))
    return enforcedIn.length === 0 ? [`${id} names no file`] : missing.map((path) => `${id}: ${path}`)
  })
  expect(named).toEqual([])
})

const acceptanceTests = [...inTitles].filter(([path]) => path.startsWith('test/acceptance/'))

test('each row names all the acceptance tests of its rule, and there is at least one', () => {
  const wrong = rows.flatMap(({ id, acceptance }) => {
    const found = acceptanceTests.filter(([, ids]) => ids.has(id)).map(([path]) => path)
    const isSame = found.toSorted().join() === acceptance.toSorted().join()
    return found.length > 0 && isSame ? [] : [`${id}: ${found.join(', ')}`]
  })
  expect(wrong).toEqual([])
})

test('each row names tests, and each of them has a title that begins with its id', () => {
  const wrong = rows.flatMap(({ id, tests }) => {
    const without = tests.filter((path) => inTitles.get(path)?.has(id) !== true)
    return tests.length === 0 ? [`${id} names no test`] : without.map((path) => `${id}: not in ${path}`)
  })
  expect(wrong).toEqual([])
})

/** A row of the table of cases: titles, each with the file that it is in. */
const cases = (/\| case .*?\n\n/s.exec(readFileSync(join(root, 'docs/rules.md'), 'utf8'))?.[0] ?? '')
  .split('\n')
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, name = '']) => name !== '')
  .map(([, name = '', , tests = '']) => ({
    name,
    tests: [...tests.matchAll(/(?:^|; )(.+?): `([^`]+)`/g)].map(([, title = '', path = '']) => ({
      title,
      path,
    })),
  }))

test('each case that the rules leave open names tests that are there', () => {
  expect(cases).toHaveLength(24)
  const missing = cases.flatMap(({ name, tests }) => {
    const absent = tests.filter(
      ({ title, path }) =>
        !existsSync(join(root, path)) || !readFileSync(join(root, path), 'utf8').includes(title),
    )
    return tests.length === 0 ? [`${name} names no test`] : absent.map(({ title }) => `${name}: ${title}`)
  })
  expect(missing).toEqual([])
})
