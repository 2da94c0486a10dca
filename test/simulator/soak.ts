import setupEngines from '#test/helpers/engines.ts'
import { Copy } from '#test/mutation/change.ts'
import { mutants } from './mutants.ts'
import { findMutant } from './run-mutant.ts'

/** `node soak.ts <minutes>`: fresh seeds for as long as told, then every mutant; prints both figures. */
const minutes = Number(process.argv[2] ?? 1)
const stopEngines = await setupEngines()
const { Redis } = await import('ioredis')
const { Simulation } = await import('./simulation.ts')
const redis = new Redis(process.env['REDIS_URL'] ?? '')
const first = Date.now() % 2 ** 31
let seeds = 0
let failed = 0
const deadline = performance.now() + minutes * 60_000
while (performance.now() < deadline) {
  const violations = await new Simulation(redis, first + seeds).run(400)
  if (violations.length > 0) {
    failed += 1
    process.stdout.write(`seed ${first + seeds}: ${violations[0]}\n`)
  }
  seeds += 1
}
process.stdout.write(`seeds: ${seeds} from ${first}, ${failed} failed\n`)
let killed = 0
const copy = new Copy()
for (const mutant of mutants) {
  const found = await findMutant(copy, mutant, 1_000)
  killed += found === null ? 0 : 1
  process.stdout.write(`${(found ?? 'SURVIVED').padEnd(26)} ${mutant.name}\n`)
}
process.stdout.write(`mutants: ${killed} of ${mutants.length} killed\n`)
copy.remove()
redis.disconnect()
await stopEngines()
process.exit(failed === 0 && killed === mutants.length ? 0 : 1)
