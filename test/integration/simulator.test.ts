import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { seedOfRun } from '#test/helpers/random.ts'
import { MemoryIncarnations, MemorySnapshots } from '#test/simulator/memory-stores.ts'
import { mutants } from '#test/simulator/mutants.ts'
import { killingSeed } from '#test/simulator/run-mutant.ts'
import { Simulation } from '#test/simulator/simulation.ts'

const SEEDS = 200
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

test('G0, G1, G4, G5, G6: random lives of shards end with exactly what the log says', async () => {
  const first = seedOfRun()
  for (let seed = first; seed < first + SEEDS; seed += 1) {
    expect(await new Simulation(redis, seed).run(100), `seed ${seed}`).toEqual([])
  }
}, 180_000)

test.for([...mutants])('G0: the simulator kills "$name"', { timeout: 400_000 }, async (mutant) => {
  expect(await killingSeed(mutant, 400)).not.toBeNull()
})

test('G5: a rebuild during which Redis goes back does not open the shard', async () => {
  const keys = shardKeys(0, randomUUID())
  await redis.set(keys.usage('old'), 'left from another life')
  let dumped: Buffer | null = null
  const deps: RebuildDeps = {
    redis,
    incarnations: new MemoryIncarnations(),
    snapshots: new MemorySnapshots(),
    log: pino({ level: 'silent' }),
    name: 'test',
    now: () => 0,
    ranges: async () => {
      if (dumped !== null)
        await redis.multi().restore(keys.meta, 0, dumped, 'REPLACE').set(keys.usage('old'), 'is back').exec()
      return [{ partition: 0, low: 0, high: 0 }]
    },
    offsetAt: async () => 0,
    catalogueRevision: async () => 1,
  }
  const scan = redis.scan.bind(redis)
  deps.redis.scan = (async (...args: Parameters<typeof scan>) => {
    dumped ??= await redis.dumpBuffer(keys.meta)
    return scan(...args)
  }) as typeof redis.scan
  expect(await rebuildShard(deps, keys)).toBe('left')
  expect(await redis.hget(keys.meta, 'inc')).toBeNull()
  deps.redis.scan = scan as typeof redis.scan
  await redis.del(keys.lease('rebuild'))
  dumped = null
  expect(await rebuildShard(deps, keys)).toBe('rebuilt')
  expect(await redis.exists(keys.usage('old'))).toBe(0)
})
