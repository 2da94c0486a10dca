import { spawn } from 'node:child_process'
import { join } from 'node:path'
import Table from 'cli-table3'
import setupEngines from '#test/helpers/engines.ts'
import { mutants } from '../simulator/mutants.ts'
import { findMutant } from '../simulator/run-mutant.ts'
import { Copy } from './change.ts'
import type { TestMutant } from './mutants.ts'
import { testedMutants } from './tested-mutants.ts'

/**
 * `node main.ts [G5 | simulator | "part of a name" …]`: breaks one thing at a time in a copy of the code, and runs what
 * must notice: seeds of the simulator, or the tests of a guarantee. A mutant that survives fails the run.
 */
const SEEDS = 400
const copy = new Copy()
const words = process.argv.slice(2)
const table = new Table({ head: ['', 'what was broken', 'noticed by'], style: { head: [], border: [] } })
const simulated = await runAll(
  mutants.map((mutant) => ({ ...mutant, guarantee: 'simulator' })),
  bySimulator,
)
const tested = await runAll(testedMutants, byTests)
process.stdout.write(`${table}\n`)
process.stdout.write(`mutants of the simulator: ${simulated.killed} of ${simulated.total} killed\n`)
process.stdout.write(`mutants of the tests: ${tested.killed} of ${tested.total} killed\n`)
copy.remove()
process.exit(simulated.killed === simulated.total && tested.killed === tested.total ? 0 : 1)

interface Score {
  readonly killed: number
  readonly total: number
}

/** Goes through those that were asked for; what noticed each is null when nothing did. */
async function runAll<Own extends { readonly guarantee: string; readonly name: string }>(
  all: readonly Own[],
  find: (mutants: readonly Own[], onFound: (own: Own, by: string | null) => void) => Promise<void>,
): Promise<Score> {
  const wanted = all.filter(({ guarantee, name }) => isWanted(guarantee, name))
  let killed = 0
  if (wanted.length > 0)
    await find(wanted, ({ guarantee, name }, by) => {
      killed += by === null ? 0 : 1
      process.stderr.write(`${guarantee} ${by === null ? 'SURVIVED' : 'killed'}: ${name}\n`)
      table.push([guarantee, name, by ?? 'NOBODY'])
    })
  return { killed, total: wanted.length }
}

function isWanted(guarantee: string, name: string): boolean {
  return words.length === 0 || words.some((word) => word === guarantee || name.includes(word))
}

async function bySimulator(
  wanted: readonly ((typeof mutants)[number] & { readonly guarantee: string })[],
  onFound: (own: (typeof wanted)[number], by: string | null) => void,
): Promise<void> {
  const stopEngines = await setupEngines()
  for (const mutant of wanted) onFound(mutant, await findMutant(copy, mutant, SEEDS))
  await stopEngines()
}

async function byTests(
  wanted: readonly TestMutant[],
  onFound: (own: TestMutant, by: string | null) => void,
): Promise<void> {
  for (const mutant of wanted) {
    const isKilled = await copy.changed(mutant, (path) => runTests(path, mutant))
    onFound(mutant, isKilled ? `${mutant.tests} -t ${mutant.title}` : null)
  }
}

/** Whether a test failed; rejects when none ran, which would prove nothing. */
function runTests(
  cwd: string,
  { project, tests, title }: Pick<TestMutant, 'project' | 'tests' | 'title'>,
): Promise<boolean> {
  const vitest = join(cwd, 'node_modules', '.bin', 'vitest')
  const args = ['run', '--project', project, tests, '-t', title]
  return new Promise((resolve, reject) => {
    const child = spawn(vitest, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('close', (code) => {
      const failed = /Tests .*?(\d+).{0,5} failed/.exec(output)
      if (failed !== null) resolve(true)
      else if (code === 0 && /Tests .* passed/.test(output)) resolve(false)
      else reject(new Error(`no test ran:\n${output.slice(-1_500)}`))
    })
  })
}
