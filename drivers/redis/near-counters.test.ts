import { expect, test } from 'vitest'
import type { CounterReading } from '#core/ports.ts'
import { spread } from '../spread.ts'
import { NearCounters, READ_AGAIN_MS, type ShardLook, UNUSED_MS } from './near-counters.ts'

const PLAN = { fields: ['leads'], sets: [] }
const OTHER_PLAN = { fields: ['h:leads'], sets: [] }
const BOUND_MS = 250
/** Redis' clock when ours shows 0. */
const REDIS_AT_0 = 1_000_000

function readingOf(value: string, state: CounterReading['state'] = 'ready'): CounterReading {
  return {
    state,
    factsRevision: '1.0.0',
    catalogueRevision: 1,
    asOf: REDIS_AT_0,
    lagMs: 0,
    exact: true,
    now: REDIS_AT_0,
    isKnown: true,
    fields: { leads: value },
    sizes: {},
    membership: {},
    heldSubjects: {},
  }
}

/** A Redis whose replies come when the test says so. */
function nearWith({ readingsMax = 100, isReady = true } = {}) {
  const world = { at: 0, isTracking: true, value: '1', asOf: REDIS_AT_0, isReady, startedOver: 0 }
  const asked = { link: 0, direct: 0, looks: 0 }
  const waiting: (() => void)[] = []
  const failing: ((error: Error) => void)[] = []
  const later = <Value>(value: () => Value): Promise<Value> => {
    const now = value()
    return new Promise((resolve, reject) => {
      waiting.push(() => resolve(now))
      failing.push(reject)
    })
  }
  const look = (): ShardLook => ({
    now: REDIS_AT_0 + world.at,
    isReady: world.isReady,
    catalogueRevision: 1,
    asOf: [world.asOf],
    isWhole: [true],
  })
  const near: NearCounters = new NearCounters({
    link: {
      get isTracking() {
        return world.isTracking
      },
      read: () => {
        asked.link += 1
        return later(() => readingOf(world.value, world.isReady ? 'ready' : 'rebuilding'))
      },
      look: (shards) => {
        asked.looks += 1
        return later(() => shards.map(look))
      },
      startOver: () => {
        world.startedOver += 1
        near.forgetAll()
      },
    },
    direct: {
      read: async () => {
        asked.direct += 1
        return readingOf('direct')
      },
    },
    shards: 1,
    partitionOf: () => 0,
    ageMaxMs: BOUND_MS,
    now: () => world.at,
    readingsMax,
  })
  const answer = async (): Promise<void> => {
    failing.length = 0
    for (const reply of waiting.splice(0)) reply()
    await Promise.resolve()
    await new Promise(setImmediate)
  }
  const read = async (workspace = 'acme', plan = PLAN): Promise<CounterReading> => {
    const reading = near.read(workspace, plan)
    await answer()
    return reading
  }
  const breakOff = (): void => {
    world.isTracking = false
    near.forgetAll()
    waiting.length = 0
    for (const fail of failing.splice(0)) fail(new Error('the connection is closed'))
  }
  return { near, world, asked, read, answer, breakOff }
}

const stands = ({ standing }: CounterReading): boolean => (standing?.now() ?? null) !== null

test('a reading stands while nothing is told of its keys, by the clock of Redis and with the asOf that was read', async () => {
  const { read, world } = nearWith()
  const { standing } = await read()
  world.at = 200
  expect(standing?.now()).toEqual({
    now: REDIS_AT_0 + 200,
    asOf: REDIS_AT_0,
    lagMs: 200,
    exact: true,
    degraded: false,
    catalogueRevision: 1,
  })
})

test.for([
  ['its counters', 'tg:{s00}:u:acme', false],
  ['its open holds', 'tg:{s00}:o:acme', false],
  ['its members', 'tg:{s00}:r:acme:whatsapp_numbers', false],
  ['the readiness or catalogue of its shard', 'tg:{s00}:v', false],
  ['another workspace', 'tg:{s00}:u:acme2', true],
  ['how far the shard is counted', 'tg:{s00}:m', true],
] as const)('a change of %s: does the reading stand?', async ([, key, still]) => {
  const { read, near } = nearWith()
  const reading = await read()
  expect(stands(reading)).toBe(true)
  near.changed([key])
  expect(stands(reading)).toBe(still)
})

test('a workspace whose id has colons is told apart from its meters', async () => {
  const { read, near } = nearWith()
  const reading = await read('acme:eu')
  near.changed(['tg:{s00}:r:acme:eu:whatsapp_numbers'])
  expect(stands(reading)).toBe(false)
})

test('a reply that was overtaken by a change is given once and never kept, nor joined', async () => {
  const { near, asked, answer, world, read } = nearWith()
  await read('other')
  const before = near.read('acme', PLAN)
  near.changed(['tg:{s00}:u:acme'])
  world.value = '2'
  const after = near.read('acme', PLAN)
  expect(asked.link).toBe(3)
  await answer()
  expect((await before).standing).toBeUndefined()
  expect((await after).fields['leads']).toBe('2')
  expect(stands(await after)).toBe(true)
})

test('a look at a shard that was overtaken by its change is not believed', async () => {
  const { near, read, answer } = nearWith()
  const reading = await read()
  near.look()
  near.changed(['tg:{s00}:v'])
  await answer()
  expect(stands(reading)).toBe(false)
})

test('all who ask the same meanwhile share one question, by plan', async () => {
  const { near, asked, answer } = nearWith()
  const same = [near.read('acme', PLAN), near.read('acme', PLAN)]
  const other = near.read('acme', OTHER_PLAN)
  await answer()
  await Promise.all([...same, other])
  expect(asked.link).toBe(2)
})

test('no answer is older than the bound while Redis is silent, and a look at any shard renews all', async () => {
  const { near, read, world, answer } = nearWith()
  const reading = await read()
  world.at = BOUND_MS
  expect(stands(reading)).toBe(true)
  world.at += 1
  expect(stands(reading)).toBe(false)
  near.look()
  await answer()
  expect(stands(reading)).toBe(true)
})

test('the age counts from when Redis was asked, not from when it answered', async () => {
  const { near, read, world, answer } = nearWith()
  const reading = await read()
  world.at = 100
  near.look()
  world.at = 200
  await answer()
  world.at = 100 + BOUND_MS
  expect(stands(reading)).toBe(true)
  world.at += 1
  expect(stands(reading)).toBe(false)
})

test('with the connection everything is forgotten, what was under way is asked elsewhere, and nothing is kept', async () => {
  const { near, read, breakOff, asked, world } = nearWith()
  const reading = await read()
  const underWay = near.read('other', PLAN)
  breakOff()
  expect(stands(reading)).toBe(false)
  expect((await underWay).fields['leads']).toBe('direct')
  expect((await underWay).standing).toBeUndefined()
  expect((await near.read('acme', PLAN)).standing).toBeUndefined()
  expect(asked.direct).toBe(2)
  world.isTracking = true
  expect(stands(reading)).toBe(false)
})

test('a reply of before the connection was lost is not kept by the next connection', async () => {
  const { near, answer } = nearWith()
  const underWay = near.read('acme', PLAN)
  near.forgetAll()
  await answer()
  expect((await underWay).standing).toBeUndefined()
})

test('when Redis forgets everything nothing stands', async () => {
  const { near, read } = nearWith()
  const reading = await read()
  near.changed(null)
  expect(stands(reading)).toBe(false)
})

test('what this process changed is forgotten before Redis tells', async () => {
  const { near, read } = nearWith()
  const reading = await read()
  near.forget('acme')
  expect(stands(reading)).toBe(false)
})

test('a shard that is being rebuilt is asked each time', async () => {
  const { read } = nearWith({ isReady: false })
  expect((await read()).standing).toBeUndefined()
})

test('a shard that is found not to be ready takes its readings with it', async () => {
  const { near, read, world, answer } = nearWith()
  const reading = await read()
  world.isReady = false
  near.look()
  await answer()
  expect(stands(reading)).toBe(false)
})

test('a connection that is silent is not asked, and given up after a second', async () => {
  const { near, read, world, asked } = nearWith()
  await read()
  near.look()
  world.at = 30
  expect((await near.read('acme', PLAN)).fields['leads']).toBe('direct')
  world.at = 1_001
  near.look()
  expect([world.startedOver, asked.direct]).toEqual([1, 1])
})

test('readings are bounded', async () => {
  const { read } = nearWith({ readingsMax: 2 })
  const [first] = [await read('a'), await read('b')]
  expect(stands(first)).toBe(true)
  const third = await read('c')
  expect([stands(first), stands(third)]).toEqual([false, true])
})

test('a reading is made again within ten seconds, should Redis have forgotten to tell', async () => {
  const { near, read, world, answer } = nearWith()
  const reading = await read('a')
  world.at = spread('a', READ_AGAIN_MS)
  near.look()
  stands(reading)
  near.look()
  await answer()
  expect(stands(reading)).toBe(true)
  world.at += 1
  expect(stands(reading)).toBe(false)
})

test('a shard that nobody asks about is left alone', async () => {
  const { near, read, world, asked } = nearWith()
  await read()
  const looks = asked.looks
  world.at = UNUSED_MS + 1
  near.look()
  expect(asked.looks).toBe(looks)
})
