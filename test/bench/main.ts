import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import setupEngines from '#test/helpers/engines.ts'
import { startSystem } from '#test/helpers/system.ts'
import { type BenchName, benches } from './benches.ts'
import { compareResults, isAcceptable } from './compare.ts'
import { comparisonOf, tableOf } from './report.ts'
import {
  BASELINE,
  LATEST,
  machineFacts,
  type ResultRow,
  type Results,
  readResults,
  replaceRows,
  writeResults,
} from './results.ts'

/**
 * `node main.ts [--check] [--write-baseline] [benchCheck …]`: measures, all or what is named, each on engines of its own: what one
 * wrote to the log would be read by the next.
 *
 * `--check` compares with the baseline and fails when something got worse; `--write-baseline` makes what was measured
 * the baseline of its benchmarks. `--rows <file>`: one benchmark, in the process that has its engines.
 */
const { values: wishes, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean' },
    'write-baseline': { type: 'boolean' },
    rows: { type: 'string' },
  },
})

const names = namesOf(wanted)
if (wishes.rows !== undefined) {
  const [name] = names
  if (name !== undefined) writeFileSync(wishes.rows, JSON.stringify(await measure(name)))
  process.exit()
}
const baseline = readResults(BASELINE)
if (wishes.check === true && baseline === null) throw new Error('there is no baseline: --write-baseline')

const run: Results = { at: new Date().toISOString(), machine: machineFacts(), rows: await measureEach() }
writeResults(LATEST, run)
process.stdout.write(tableOf(run))
if (wishes.check === true && baseline !== null) {
  const compared = compareResults(baseline, run)
  process.stdout.write(comparisonOf(compared))
  if (!isAcceptable(compared)) process.exitCode = 1
}
if (wishes['write-baseline'] === true) writeResults(BASELINE, replaceRows(baseline, run))
process.exit()

function namesOf(given: readonly string[]): readonly BenchName[] {
  const all = Object.keys(benches) as BenchName[]
  const unknown = given.filter((name) => !Object.hasOwn(benches, name))
  if (unknown.length > 0) throw new Error(`no benchmark is named ${unknown}: ${all.join(' ')}`)
  return given.length === 0 ? all : all.filter((name) => given.includes(name))
}

/** One after another, each in a process of its own; what the others measured is worth keeping where one fails. */
async function measureEach(): Promise<readonly ResultRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tallygate-bench-'))
  const rows: ResultRow[] = []
  for (const name of names) {
    process.stderr.write(`${name}\n`)
    const file = join(folder, `${name}.json`)
    const args = [import.meta.filename, '--rows', file, name]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    const code = await new Promise((resolve) => child.once('close', resolve))
    if (code === 0) {
      rows.push(...JSON.parse(readFileSync(file, 'utf8')))
      continue
    }
    process.stderr.write(`${name} failed, and has no figures\n`)
    process.exitCode = 1
  }
  rmSync(folder, { recursive: true, force: true })
  return rows
}

async function measure(name: BenchName): Promise<readonly ResultRow[]> {
  const stopEngines = await setupEngines()
  const bench = await benches[name]()
  const system = await startSystem()
  try {
    return (await bench(system)).map((row) => ({ bench: name, ...row }))
  } catch (error) {
    process.stderr.write(`${inspect(error, { maxArrayLength: 5, depth: 2 })}\n`)
    process.exitCode = 1
    return []
  } finally {
    await system.stop()
    await stopEngines()
  }
}
