import { Redis } from 'ioredis'
import { scenarios } from './scenarios.ts'
import { Simulation } from './simulation.ts'

/**
 * Runs the scenarios and then seeds against the Redis of REDIS_URL: `node main.ts <first seed> <seeds> <steps>`.
 * Stops at the first failure.
 */
const [first = 1, count = 100, steps = 250] = process.argv.slice(2).map(Number)
const redis = new Redis(process.env['REDIS_URL'] ?? '')
const failure = (await runScenarios()) ?? (await runSeeds())
redis.disconnect()
process.stdout.write(
  failure === null
    ? `${count} seeds from ${first}, 0 failed\n`
    : `${failure}\nstopped at the first that failed\n`,
)
process.exitCode = failure === null ? 0 : 1

async function runScenarios(): Promise<string | null> {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const problem = await scenario(redis)
    if (problem !== null) return `scenario ${name}:\n  ${problem}`
  }
  return null
}

async function runSeeds(): Promise<string | null> {
  for (let seed = first; seed < first + count; seed += 1) {
    const violations = await new Simulation(redis, seed).run(steps)
    if (violations.length > 0) return `seed ${seed}:\n  ${violations.slice(0, 3).join('\n  ')}`
  }
  return null
}
