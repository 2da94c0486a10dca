import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import setupEngines from '#test/helpers/engines.ts'
import { startSystem } from '#test/helpers/system.ts'
import type { Row } from './statistics.ts'

const stopEngines = await setupEngines()
const { benchCheck } = await import('./bench-check.ts')
const { benchCheckBusy } = await import('./bench-check-busy.ts')
const { benchClientCache } = await import('./bench-client-cache.ts')
const { benchConsume } = await import('./bench-consume.ts')
const { benchIngest, benchLag } = await import('./bench-ingest.ts')
const { benchRecovery } = await import('./bench-recovery.ts')
const system = await startSystem()
const rows: Row[] = []
try {
  const wanted = process.argv.slice(2)
  for (const bench of [
    benchCheck,
    benchCheckBusy,
    benchClientCache,
    benchConsume,
    benchIngest,
    benchLag,
    benchRecovery,
  ]) {
    if (wanted.length > 0 && !wanted.includes(bench.name)) continue
    process.stderr.write(`${bench.name}\n`)
    rows.push(...(await bench(system)))
  }
} finally {
  await system.stop()
  await stopEngines()
}

const [cpu] = cpus()
const machine = `${cpus().length} cores, ${cpu?.model.trim() ?? 'unknown'}, Node ${process.versions.node}, all engines on the same machine`
const results = join(import.meta.dirname, 'results')
mkdirSync(results, { recursive: true })
writeFileSync(
  join(results, 'latest.json'),
  `${JSON.stringify({ at: new Date().toISOString(), machine, rows }, null, 2)}\n`,
)
const table = new Table({
  head: ['path', 'figure', 'limit in the same run', 'ratio', 'rounds', 'cpu µs each', 'goal', ''],
  style: { head: [], border: [] },
})
for (const { path, figure, limit, ratio, rounds, cpu, goal } of rows) {
  const verdict = goal === undefined ? '' : goal.isMet ? 'met' : 'missed'
  table.push([path, figure, limit, ratio?.toFixed(2) ?? '', rounds, cpu ?? '', goal?.text ?? '', verdict])
}
process.stdout.write(`${table}\nmedians; ${machine}\n`)
process.exit()
