import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { type TestMutant, testMutants } from './mutants.ts'
import { nearMutants } from './near-mutants.ts'

/**
 * `node main.ts [G5 …]`: changes one line at a time in a copy of the code and runs the tests that must notice. A
 * mutant that survives fails the run.
 */
const root = join(import.meta.dirname, '..', '..')
const skipped = new Set(['node_modules', '.git', '.tallygate'])
const wanted = process.argv.slice(2)
const table = new Table({ head: ['', 'what was broken', 'noticed by'], style: { head: [], border: [] } })
let survivors = 0
for (const mutant of [...testMutants, ...nearMutants]) {
  if (wanted.length > 0 && !wanted.includes(mutant.guarantee)) continue
  const isKilled = await isNoticed(mutant)
  survivors += isKilled ? 0 : 1
  process.stderr.write(`${mutant.guarantee} ${isKilled ? 'killed' : 'SURVIVED'}\n`)
  table.push([mutant.guarantee, mutant.name, isKilled ? `${mutant.tests} -t ${mutant.title}` : 'NOBODY'])
}
process.stdout.write(`${table}\n${table.length - survivors} of ${table.length} killed\n`)
process.exitCode = survivors === 0 ? 0 : 1

async function isNoticed({ file, from, to, name, ...where }: TestMutant): Promise<boolean> {
  const copy = mkdtempSync(join(tmpdir(), 'tallygate-mutant-'))
  try {
    cpSync(root, copy, {
      recursive: true,
      filter: (source) => !skipped.has(source.slice(root.length + 1).split('/')[0] ?? ''),
    })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const path = join(copy, file)
    const source = readFileSync(path, 'utf8')
    if (!source.includes(from))
      throw new Error(`${file} has no place for the mutant "${name}"; bring mutants.ts up to date`)
    writeFileSync(
      path,
      source.replace(from, () => to),
    )
    return await runTests(copy, where)
  } finally {
    rmSync(copy, { recursive: true, force: true })
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
