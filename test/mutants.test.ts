import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { changesOf, root } from './mutation/change.ts'
import type { TestMutant } from './mutation/mutants.ts'
import { testedMutants } from './mutation/tested-mutants.ts'
import { mutants } from './simulator/mutants.ts'

const all = [...testedMutants, ...mutants].flatMap(changesOf)

test('mutants: each has its place in the code as it is now, and changes it', () => {
  const lost = all.filter(({ file, from, to }) => {
    const path = join(root, file)
    return from === to || !existsSync(path) || !readFileSync(path, 'utf8').includes(from)
  })
  expect(lost).toEqual([])
})

test('mutants: no two have one name, and the tests of each are there', () => {
  const names = [...testedMutants, ...mutants].map(({ name }) => name)
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
  const homeless = testedMutants.filter((mutant) => !isHome(mutant))
  expect(homeless.map(({ name }) => name)).toEqual([])
})

/** Whether the file of its tests is there; their titles are seen to when they run. */
function isHome({ project, tests }: TestMutant): boolean {
  const folder = project === 'tidy' ? 'test' : `test/${project}`
  return project === 'unit' || existsSync(join(root, folder, `${tests.replace(`${project}/`, '')}.test.ts`))
}
