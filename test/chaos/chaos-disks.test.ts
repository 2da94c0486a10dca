import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { countLetters } from '#test/chaos/count-letters.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { UseClient } from '#test/chaos/use-client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seedOfRun } from '#test/helpers/random.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const NO_DISK = 'a disk of its own can only be mounted by root'
const seed = seedOfRun()
let rig: Rig
beforeAll(async () => {
  rig = await startRig({ ownMongo: true, ownDisks: true })
}, 120_000)
afterEach(() => {
  for (const disk of Object.values(rig.disks)) disk?.free()
})
afterAll(() => rig.stop())

const credits = (quantity: number): object => ({ items: [{ feature: 'ai_credits', quantity }] })

test('G13: the disk of MongoDB is full for a while: use counts on, a subscription waits, no good record is set aside', async (context) => {
  const { mongo } = rig.disks
  if (mongo?.isThere !== true) return context.skip(NO_DISK)
  const before = await countLetters(rig.direct.kafka)
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({ seats: 1 })
  const { prefix, stop } = rig.load('mongodisk', seed)
  await rig.counted(1_000)
  mongo.fill(0)
  const override = async (limit: number): Promise<number> => {
    const path = `${rig.system.api}/v1/workspaces/${workspace.id}/overrides/ai_agents`
    const headers = { authorization: `Bearer ${rig.system.key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ limit, reason: 'r'.repeat(400) })
    return (await fetch(path, { method: 'PUT', headers, body })).status
  }
  const limits: number[] = []
  const refused = await eventually(
    () => override(limits.push(0)),
    (status) => status !== 200,
    { what: 'MongoDB to refuse writes', withinMs: 30_000 },
  )
  expect(refused).toBe(503)
  const changing = workspace.subscribe({ seats: 2 })
  await rig.counted(3_000)
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({
    reason: 'within_limit',
    limit: 750,
  })
  mongo.free()
  await changing
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ limit: 1_500 })
  expect(await override(limits.length)).toBe(200)
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
  expect(await countLetters(rig.direct.kafka)).toBe(before)
}, 120_000)

test('G13: the disk of Kafka is full: consuming answers 503, checks as usual; with room again all counts once', async (context) => {
  const { kafka } = rig.disks
  if (kafka?.isThere !== true) return context.skip(NO_DISK)
  const before = await countLetters(rig.direct.kafka)
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({ seats: 1 })
  const client = new UseClient({ apis: [rig.system.api], key: rig.system.key, workspace: workspace.id })
  const { prefix, stop } = rig.load('kafkadisk', seed)
  await rig.counted(1_000)
  kafka.fill(0)
  const asked: string[] = []
  const consume = (): ReturnType<UseClient['once']> => {
    asked.push(`op${asked.length}`)
    return client.once('/v1/consume', { id: asked.at(-1), ...credits(1) })
  }
  const refused = await eventually(consume, (answer) => answer?.status !== 200, {
    what: 'consuming to be refused',
    withinMs: 30_000,
  })
  expect(refused).toMatchObject({
    status: 503,
    body: { code: expect.stringMatching(/^un(known|available)$/) },
  })
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ degraded: false, limit: 750 })
  kafka.free()
  await rig.killEngine('kafka')
  await rig.startEngines()
  for (const id of asked)
    expect(await client.post('/v1/consume', { id, ...credits(1) })).toMatchObject({ status: 200 })
  await rig.everyPartitionMoves()
  await stop()
  expect(await rig.verdict(prefix), `seed ${seed}`).toEqual([])
  expect(await rig.verdict(workspace.id), `seed ${seed}`).toEqual([])
  expect(await workspace.checkExactly({ feature: 'ai_credits' })).toMatchObject({
    used: asked.length,
    held: 0,
  })
  expect(await countLetters(rig.direct.kafka)).toBe(before)
}, 180_000)
