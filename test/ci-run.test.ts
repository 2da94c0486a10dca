import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/** What `.ci/run` prints and how it ends where `make test` and `make test-long` do that. */
function run(recipe: string, long: string): { readonly lines: readonly string[]; readonly isGood: boolean } {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-ci-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  mkdirSync(join(dir, '.ci'))
  cpSync(join(import.meta.dirname, '..', '.ci', 'run'), join(dir, '.ci', 'run'))
  writeFileSync(join(dir, 'Makefile'), `test:\n\t@${recipe}\ntest-long:\n\t@${long}\n`)
  const { stdout, status } = spawnSync('bash', ['-c', '.ci/run 2>&1'], { cwd: dir, encoding: 'utf8' })
  return { lines: stdout.trimEnd().split('\n'), isGood: status === 0 }
}

const GOOD = 'echo "2 passed, 0 failed"'

test.for([
  ['all passes', 'echo "4 passed, 0 failed"', GOOD, '6 passed, 0 failed', true],
  ['a test fails', 'echo "3 passed, 1 failed"; exit 1', GOOD, '5 passed, 1 failed', false],
  ['a long test fails', GOOD, 'echo "3 passed, 1 failed"; exit 1', '5 passed, 1 failed', false],
  [
    'both fail',
    'echo "3 passed, 2 failed"; exit 1',
    'echo "1 passed, 1 failed"; exit 1',
    '4 passed, 3 failed',
    false,
  ],
  [
    'an earlier line looks like it',
    'echo "1 passed, 0 failed"; echo "3 passed, 2 failed"; exit 1',
    GOOD,
    '5 passed, 2 failed',
    false,
  ],
  ['it ends before it says anything', 'exit 3', GOOD, '2 passed, 1 failed', false],
  ['the long part ends before it says anything', GOOD, 'exit 3', '2 passed, 1 failed', false],
  [
    'it is killed after it said that all passed',
    'echo "4 passed, 0 failed"; exit 137',
    GOOD,
    '6 passed, 1 failed',
    false,
  ],
] as const)('.ci/run ends with how many passed and failed: %s', ([, recipe, long, last, isGood]) => {
  const told = run(recipe, long)
  expect([told.lines.at(-1), told.isGood]).toEqual([last, isGood])
})
