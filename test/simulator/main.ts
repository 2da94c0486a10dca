import { Redis } from 'ioredis'
import { Simulation } from './simulation.ts'

/** Runs seeds against the Redis of REDIS_URL: `node main.ts <first seed> <seeds> <steps>`; stops at the first failure. */
const [first = 1, count = 100, steps = 250] = process.argv.slice(2).map(Number)
const redis = new Redis(process.env['REDIS_URL'] ?? '')
let failed = 0
for (let seed = first; seed < first + count && failed === 0; seed += 1) {
  const violations = await new Simulation(redis, seed).run(steps)
  if (violations.length === 0) continue
  failed += 1
  process.stdout.write(`seed ${seed}:\n  ${violations.slice(0, 3).join('\n  ')}\n`)
}
redis.disconnect()
process.stdout.write(
  failed === 0 ? `${count} seeds from ${first}, 0 failed\n` : 'stopped at the first seed that failed\n',
)
process.exitCode = failed === 0 ? 0 : 1
