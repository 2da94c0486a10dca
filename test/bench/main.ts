import { inspect, parseArgs } from 'node:util'
import setupEngines from '#test/helpers/engines.ts'
import { startSystem } from '#test/helpers/system.ts'
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
import type { Row } from './statistics.ts'

/**
 * `node main.ts [--check] [--write-baseline] [benchCheck …]`: measures, all or what is named.
 *
 * `--check` compares with the baseline and fails when something got worse; `--write-baseline` makes what was measured
 * the baseline of its benchmarks.
 */
const { values: wishes, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean' }, 'write-baseline': { type: 'boolean' } },
})
const baseline = readResults(BASELINE)
if (wishes.check === true && baseline === null) throw new Error('there is no baseline: --write-baseline')

const run: Results = { at: new Date().toISOString(), machine: machineFacts(), rows: await measure() }
writeResults(LATEST, run)
process.stdout.write(tableOf(run))
if (wishes.check === true && baseline !== null) {
  const compared = compareResults(baseline, run)
  process.stdout.write(comparisonOf(compared))
  if (!isAcceptable(compared)) process.exitCode = 1
}
if (wishes['write-baseline'] === true) writeResults(BASELINE, replaceRows(baseline, run))
process.exit()

async function measure(): Promise<readonly ResultRow[]> {
  const stopEngines = await setupEngines()
  const benches = await loadBenches()
  const unknown = wanted.filter((name) => benches.every((bench) => bench.name !== name))
  if (unknown.length > 0)
    throw new Error(`no benchmark is named ${unknown}: ${benches.map(({ name }) => name).join(' ')}`)
  const system = await startSystem()
  const rows: ResultRow[] = []
  try {
    for (const bench of benches) {
      if (wanted.length > 0 && !wanted.includes(bench.name)) continue
      process.stderr.write(`${bench.name}\n`)
      const measured = await bench(system).catch((error: unknown) => failed(bench.name, error))
      rows.push(...measured.map((row) => ({ bench: bench.name, ...row })))
    }
  } finally {
    await system.stop()
    await stopEngines()
  }
  return rows
}

/** What the others measured is worth keeping; the run fails all the same. */
function failed(name: string, error: unknown): readonly Row[] {
  process.stderr.write(
    `${name} failed, and has no figures: ${inspect(error, { maxArrayLength: 5, depth: 2 })}\n`,
  )
  process.exitCode = 1
  return []
}

/** They read the engines' addresses when they are loaded. */
async function loadBenches() {
  const { benchCheck } = await import('./bench-check.ts')
  const { benchCheckBusy } = await import('./bench-check-busy.ts')
  const { benchClientCache } = await import('./bench-client-cache.ts')
  const { benchConsume } = await import('./bench-consume.ts')
  const { benchIngest, benchLag } = await import('./bench-ingest.ts')
  const { benchRecovery } = await import('./bench-recovery.ts')
  const { benchSizes } = await import('./bench-sizes.ts')
  const { benchStart } = await import('./bench-start.ts')
  const { benchWorkspaces } = await import('./bench-workspaces.ts')
  return [
    benchCheck,
    benchCheckBusy,
    benchClientCache,
    benchConsume,
    benchIngest,
    benchLag,
    benchRecovery,
    benchStart,
    benchWorkspaces,
    benchSizes,
  ]
}
