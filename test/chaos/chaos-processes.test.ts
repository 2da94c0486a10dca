import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { setUp } from '#deploy/setup.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { createLogger } from '#drivers/log.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { countLetters } from '#test/chaos/count-letters.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { UseClient } from '#test/chaos/use-client.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const seed = seedOfRun()
/** Between two jumps of a clock. */
const JUMP_MS = 3_000
/** For how long an engine swallows everything at least; `make soak` has each do so for 60 s. */
const SWALLOWED_MS = 1_000 * Number(process.env['G13_SECONDS'] ?? 0)
const skewedClock = new URL('./skewed-clock.ts', import.meta.url).pathname
let rig: Rig
beforeAll(async () => {
  rig = await startRig()
}, 120_000)
afterEach(() => {
  for (const proxy of Object.values(rig.proxies)) proxy.set({ kind: 'pass' })
})
afterAll(() => rig.stop())

test('G4: calls of a stopped consumer that reach Redis after another took over change nothing, nor does the consumer', async () => {
  const { prefix, stop } = rig.load('zombie', seed)
  await rig.counted(2_000)
  rig.ownRedis.set({ kind: 'blackhole' })
  await untilMissing(rig.system.consumers, 'redis')
  await rig.system.freeze('consumers')
  await rig.everyPartitionMoves()
  const before = rig.ownRedis.forwarded
  let turnedAway = 0
  rig.ownRedis.watchAnswers((bytes) => {
    turnedAway += bytes.toString('latin1').match(/\b(OLD|REGRESSED|INC)\r\n/g)?.length ?? 0
  })
  rig.ownRedis.set({ kind: 'pass' })
  await eventually(
    async () => turnedAway,
    (calls) => calls > 0,
    { what: 'the calls that were held back to be turned away by Redis' },
  )
  expect(rig.ownRedis.forwarded).toBeGreaterThan(before)
  await rig.counted(2_000)
  rig.system.signal('consumers', 'SIGCONT')
  await rig.counted(2_000)
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
  process.stdout.write(`G4: seed ${seed}, 0 counted twice, ${turnedAway} calls turned away\n`)
}, 90_000)

test('G1: consumers killed in turn under load', async () => {
  const { prefix, stop } = rig.load('killed', seed)
  for (const victim of [rig.system, rig.other, rig.system]) {
    await rig.counted(1_500)
    await victim.kill('consumers')
    await victim.start('consumers')
  }
  await rig.everyPartitionMoves()
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
}, 90_000)

test('G1: the Kafka broker killed under load and started again', async () => {
  const { prefix, stop } = rig.load('broker', seed)
  await rig.counted(2_000)
  await rig.killEngine('kafka')
  await rig.startEngines()
  await rig.everyPartitionMoves()
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
}, 120_000)

test(
  'G13: Redis, MongoDB and the registry swallow everything in turn: no good record is set aside, none is lost',
  async () => {
    const lettersBefore = await countLetters(rig.direct.kafka)
    const { prefix, stop } = rig.load('swallowed', seed)
    await rig.counted(1_000)
    await swallow('redis')
    await pass('redis')
    await swallow('mongo')
    await rig.counted(1_000)
    await pass('mongo')
    const workspace = new TestWorkspace(rig.system)
    await swallow('registry', () =>
      workspace.send('CompanyEvent', { companyId: 'c', action: 'created', quantity: 3 }),
    )
    // What only the registry can tell holds up the partition that it is in, and no other of the same process.
    const before = timesAssigned()
    await rig.everyPartitionMoves(partitionerOf(8)(workspace.id))
    expect(timesAssigned(), 'nobody leaves the group for it').toBe(before)
    await pass('registry')
    await workspace.counted()
    expect((await workspace.check({ feature: 'contacts_companies', intent: 'read' })).used).toBe(3)
    await stop()
    expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
    expect(await countLetters(rig.direct.kafka)).toBe(lettersBefore)
  },
  120_000 + 4 * SWALLOWED_MS,
)

test('G17: consumers and an API whose clocks jump by an hour to and fro count the same', async () => {
  // Whoever was killed would be waited for, longer than between two jumps, and each ends the requests under way.
  for (const system of [rig.system, rig.other]) {
    system.signal('consumers', 'SIGTERM')
    await system.ended('consumers')
  }
  const skewed = await startSystem(
    ['api', 'consumers'],
    {
      ...rig.settings,
      NODE_OPTIONS: `--import ${skewedClock}`,
      CLOCK_SKEW_MS: String(HOUR_MS),
      CLOCK_JUMP_MS: String(JUMP_MS),
    },
    rig.addresses,
  )
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({ seats: 20 })
  const { prefix, stop } = rig.load('skewed', seed)
  await rig.everyPartitionMoves()
  const consumed = await consumeThrough(skewed, workspace)
  await rig.counted(20_000)
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
  expect(await rig.verdict(workspace.id), `seed ${seed}`).toEqual([])
  await workspace.counted()
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ used: consumed, held: 0 })
  await Promise.all([rig.system.start('consumers'), rig.other.start('consumers')])
  await skewed.stop()
}, 120_000)

/** Consumes one unit after another through an API, over four jumps of its clock; how many. All must be taken: none is dated otherwise than now. */
async function consumeThrough(system: System, workspace: TestWorkspace): Promise<number> {
  const until = performance.now() + 4 * JUMP_MS
  const client = new UseClient({ apis: [system.api], key: system.key, workspace: workspace.id })
  let operations = 0
  while (performance.now() < until) {
    operations += 1
    const body = { id: `skewed${operations}`, items: [{ feature: 'ai_credits', quantity: 1 }] }
    expect(await client.post('/v1/consume', body)).toMatchObject({ status: 200, body: { allowed: true } })
  }
  return operations
}

test('rebase: a usage topic that was made anew is noticed, and counted on from what there was', async () => {
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({})
  const lead = { leadId: 'l', action: 'created' }
  // More than consumers that start write by themselves: a log that has grown beyond what was counted looks like the old one.
  for (const part of [1, 1, 1, 1, 1]) await workspace.send('LeadEvent', { ...lead, quantity: part })
  await workspace.counted()
  await rig.system.kill('consumers')
  await remakeTopic()
  await untilRefused()
  expect(await runCli(rig.system, ['rebase', '--yes'])).toMatchObject({ code: 3 })
  await rig.other.kill('consumers')

  // As after a rebase that was cut off: one shard takes the new log already, the others would skip it.
  const first = Object.fromEntries(Array.from({ length: 8 }, (_, partition) => [`wm:${partition}`, '-1']))
  await rig.redis.ask((redis) => redis.hset(shardKeys(0).meta, first))
  // One whose partitions are all refused is not ready, so nobody waits for it to be.
  const halfway = rig.other.start('consumers').catch(() => undefined)
  await untilRefused()
  await rig.other.kill('consumers')
  await halfway

  const shown = await runCli(rig.system, ['rebase'])
  expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('nothing was changed') })
  const done = await eventually(
    () => runCli(rig.system, ['rebase', '--yes', '--complete', '--json']),
    ({ code }) => code === 0,
    { what: 'the group to be empty', withinMs: 30_000 },
  )
  expect(JSON.parse(done.out).remade.length).toBeGreaterThan(0)
  await Promise.all([rig.system.start('consumers'), rig.other.start('consumers')])
  await eventually(
    () => workspace.send('LeadEvent', { ...lead, quantity: 2 }),
    () => true,
    { what: 'the new topic to take a record' },
  )
  await workspace.counted()
  const question = { feature: 'leads', intent: 'read' }
  expect(await workspace.checkExactly(question)).toMatchObject({ used: 7 })

  await rig.redis.ask((redis) => redis.flushall())
  const rebuilt = await eventually(
    () => workspace.check(question),
    ({ reason }) => reason === 'within_limit',
    { what: 'the shard to be rebuilt' },
  )
  expect(rebuilt.used).toBe(7)
  await eventually(
    () => runCli(rig.system, ['verify', '--workspace', workspace.id]),
    ({ code }) => code === 0,
    { what: 'verify to find no difference' },
  )
}, 180_000)

test('a consumer to which Kafka says nothing is not ready, and ends with the reason in its log', async () => {
  const watched = await startSystem(['consumers'], { ...rig.settings, STALLED_MAX_MS: '3000' }, rig.addresses)
  await rig.freezeEngine('kafka')
  await eventually(
    () => fetch(`${watched.consumers}/readyz`).then(({ status }) => status),
    (status) => status === 503,
    { what: 'the consumer to say that it is not ready' },
  )
  const { code, log } = await watched.ended('consumers')
  rig.signalEngine('kafka', 'SIGCONT')
  expect(code).not.toBe(0)
  expect(log).toContain('Kafka has not answered for')
  await watched.stop()
}, 90_000)

/** Waits until the second consumer says that the topic was made anew. */
async function untilRefused(): Promise<void> {
  await eventually(
    () => stateOf(rig.other.consumers, 'kafka'),
    (state) => state?.includes('run tallygate rebase') === true,
    { what: 'the consumer to say that the topic was made anew', withinMs: 60_000 },
  )
}

/** How often both consumers were given partitions. */
function timesAssigned(): number {
  const logs = [rig.system, rig.other].map(({ wholeLogOf }) => wholeLogOf('consumers'))
  return logs.join('').split('partitions assigned').length - 1
}

/** An engine takes everything and answers nothing, until both consumers say that it is gone. */
async function swallow(
  engine: keyof Rig['proxies'],
  meanwhile = async (): Promise<void> => {},
): Promise<void> {
  const until = performance.now() + SWALLOWED_MS
  rig.proxies[engine].set({ kind: 'blackhole' })
  await meanwhile()
  for (const { consumers } of [rig.system, rig.other]) await untilMissing(consumers, engine)
  await eventually(
    async () => performance.now(),
    (now) => now >= until,
    { what: 'the time to be over', withinMs: SWALLOWED_MS + 10_000 },
  )
}

async function untilMissing(consumers: string, engine: string): Promise<void> {
  await eventually(
    () => stateOf(consumers, engine),
    (state) => state !== 'up',
    { what: `${consumers} to miss ${engine}`, withinMs: 60_000 },
  )
}

async function pass(engine: keyof Rig['proxies']): Promise<void> {
  rig.proxies[engine].set({ kind: 'reset' })
  rig.proxies[engine].set({ kind: 'pass' })
  await rig.everyPartitionMoves()
}

async function stateOf(consumers: string, part: string): Promise<string | undefined> {
  const response = await fetch(`${consumers}/readyz`)
  const { parts } = (await response.json()) as { parts: Readonly<Record<string, string>> }
  return parts[part]
}

/** Deletes `usage.events` and makes it anew, empty. */
async function remakeTopic(): Promise<void> {
  const log = createLogger('test', 'silent')
  const admin = connectKafka({ brokers: rig.direct.kafka, clientId: 'topics', log }).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: ['usage.events'] })
  await eventually(
    () => admin.listTopics(),
    (topics) => !topics.includes('usage.events'),
    { what: 'the topic to be gone' },
  )
  await admin.disconnect()
  await setUp(rig.direct)
}
