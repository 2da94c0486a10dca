import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { seedOfRun } from '#test/helpers/random.ts'
import { Copy } from '#test/mutation/change.ts'
import { mutants } from './mutants.ts'
import { findMutant } from './run-mutant.ts'
import { scenarios } from './scenarios.ts'
import { Simulation } from './simulation.ts'

const SEEDS = 200
/** Seeds that are lived twice. */
const REPEATED = 10
let server: RedisServer
let redis: Redis
/** In which one line after another is broken. */
let copy: Copy
beforeAll(async () => {
  copy = new Copy()
  server = await RedisServer.start()
  const url = `redis://127.0.0.1:${server.port}`
  redis = new Redis(url)
  // What a mutant is run by is a process of its own.
  process.env['REDIS_URL'] = url
})
afterAll(async () => {
  copy.remove()
  await redis.quit()
  await server.stop()
})

test('G0, G1, G4, G5, G6, G7, G9: random lives of shards end with exactly what the log says', async () => {
  const first = seedOfRun()
  process.stdout.write(`simulator: ${SEEDS} seeds from ${first}\n`)
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    expect(await new Simulation(redis, seed).run(100), `seed ${seed}`).toEqual([])
  }
}, 400_000)

test('G0: a seed is the same life every time, so that what it finds can be found again', async () => {
  const first = seedOfRun()
  for (let seed = first; seed < first + REPEATED; seed += 1) {
    const [once, again] = [new Simulation(redis, seed), new Simulation(redis, seed)]
    for (const simulation of [once, again]) await simulation.run(100)
    expect(again.life, `seed ${seed}`).toBe(once.life)
  }
}, 60_000)

test.for(Object.entries(scenarios))('G5 scenario %s', async ([, scenario]) => {
  expect(await scenario(redis)).toBeNull()
})

test.for([...mutants])('G0: the simulator kills "$name"', { timeout: 400_000 }, async (mutant) => {
  expect(await findMutant(copy, mutant, 400)).not.toBeNull()
})
