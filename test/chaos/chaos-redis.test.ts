import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const seed = seedOfRun()
const below = seededRandom(seed)
const shards = allShardKeys(SHARDS_DEFAULT)
/** `make soak` tears it 60 times. */
const TORN = Number(process.env['G5_TEARS'] ?? 4)
let rig: Rig
beforeAll(async () => {
  rig = await startRig()
}, 120_000)
afterEach(() => rig.proxies.redis.set({ kind: 'pass' }))
afterAll(() => rig.stop())

const load = (name: string): ReturnType<Rig['load']> => rig.load(name, seed)
const counted = (more: number): Promise<void> => rig.counted(more)

test('G1, G5: Redis killed under load and started on its append-only file, with answers cut and connections reset', async () => {
  const { prefix, stop } = load('killed')
  await counted(3_000)
  rig.proxies.redis.set({ kind: 'cut-response', afterBytes: 60_000 })
  await counted(500)
  rig.proxies.redis.set({ kind: 'reset' })
  await rig.redis.kill()
  await rig.redis.start()
  rig.proxies.redis.set({ kind: 'pass' })
  await counted(3_000)
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
}, 90_000)

test(
  'G5: the append-only file torn at random bytes is an earlier state: it is noticed and read on from there',
  async () => {
    const { prefix, stop } = load('torn')
    for (let round = 0; round < TORN; round += 1) {
      await counted(2_000)
      await rig.redis.kill()
      rig.redis.tearLog(1 + below(200_000))
      await rig.redis.start()
    }
    await counted(1_000)
    await stop()
    const mismatches = await rig.verdict(prefix)
    process.stdout.write(`G5: seed ${seed}, torn ${TORN} times, ${mismatches.length} counters differ\n`)
    expect(mismatches, `seed ${seed}`).toEqual([])
  },
  90_000 + 3_000 * TORN,
)

test('G5: the disk of the append-only file is full for a while: writes wait, nothing is lost', async (context) => {
  if (!rig.redis.hasDisk) context.skip('a disk of its own can only be mounted by root')
  const { prefix, stop } = load('full')
  await counted(1_000)
  rig.redis.fillDisk(100_000)
  await eventually(
    () => rig.redis.ask((redis) => redis.info('persistence')),
    (info) => info.includes('aof_last_write_status:err'),
    { what: 'Redis to refuse writes' },
  )
  rig.redis.freeDisk()
  await counted(2_000)
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
}, 90_000)

test('G6: FLUSHALL under load and in a rebuild, whose consumers are killed then; a hard limit is never open meanwhile', async () => {
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({ seats: 1 })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 750 })
  const question = { feature: 'ai_credits', quantity: 1 }
  await workspace.becomes(question, 'limit_reached')
  const answers = new Map<string, number>()
  let isAsking = true
  const asking = (async () => {
    while (isAsking) {
      const response = await workspace.post('/v1/check', { workspace: workspace.id, ...question })
      const { allowed, reason, code } = (await response.json()) as Record<string, unknown>
      const answer = `${allowed === true ? 'ALLOWED ' : ''}${String(reason ?? code)}`
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  })()
  const { prefix, stop } = load('flushed')
  await counted(3_000)
  for (let time = 0; time < 2; time += 1) {
    await rig.redis.ask((redis) => redis.flushall())
    await rebuildBegins()
  }
  const systems = [rig.system, rig.other]
  await Promise.all(systems.map((system) => system.kill('consumers')))
  await Promise.all(systems.map((system) => system.start('consumers')))
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
  await workspace.becomes(question, 'limit_reached')
  isAsking = false
  await asking
  expect([...answers.keys()].filter((answer) => answer.startsWith('ALLOWED'))).toEqual([])
  expect(answers.size, 'some answers came while it was gone').toBeGreaterThan(1)
}, 90_000)

async function rebuildBegins(): Promise<void> {
  await eventually(
    () => rig.redis.ask((redis) => Promise.all(shards.map(({ meta }) => redis.hget(meta, 'rst')))),
    (tokens) => tokens.some((token) => token !== null),
    { what: 'a rebuild to begin' },
  )
}

test('G5: a replica that missed acknowledged writes is promoted: what it lost is read again', async () => {
  const { prefix, stop } = load('promoted')
  await counted(1_000)
  const link = rig.redis.port
  const replica = await RedisServer.start('--replicaof', '127.0.0.1', String(link))
  await eventually(
    () => replica.ask((redis) => redis.info('replication')),
    (info) => info.includes('master_link_status:up'),
    { what: 'the replica to follow' },
  )
  await counted(2_000)
  await replica.ask((redis) => redis.call('REPLICAOF', 'NO', 'ONE'))
  await counted(2_000)
  await rig.redis.kill()
  rig.proxies.redis.lead(replica.port)
  await stop()
  expect(await rig.verdict(prefix, replica), `seed ${seed}`).toEqual([])
  await replica.stop()
}, 90_000)
