import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { checkCounters } from '#test/chaos/log-checker.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'

const EVENTS = 100_000
const WORKSPACES = 200
const shards = allShardKeys(SHARDS_DEFAULT)

let system: System
beforeAll(async () => {
  system = await startSystem(['consumers'], { SNAPSHOT_EVERY_MS: '500' })
})
afterAll(() => system.stop())

interface Plan {
  readonly workspace: string
  readonly id: string
}

/** Events of which every tenth is a copy of an earlier one. */
function planEvents(seed: number, prefix: string): readonly Plan[] {
  const below = seededRandom(seed)
  const events: Plan[] = []
  for (let index = 0; index < EVENTS; index += 1) {
    const copied = index > 0 && below(10) === 0 ? events[below(index)] : undefined
    events.push(copied ?? { workspace: `${prefix}-${below(WORKSPACES)}`, id: `e${index}` })
  }
  return events
}

async function countOf(workspace: string): Promise<number> {
  const keys = shards[shardOf(workspace, shards.length)]
  return Number(await system.redis.hget(keys?.usage(workspace) ?? '', 'leads'))
}

async function totalOf(workspaces: Iterable<string>): Promise<number> {
  const counts = await Promise.all([...workspaces].map(countOf))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function send(events: readonly Plan[]): Promise<void> {
  const now = Date.now()
  for (let from = 0; from < events.length; from += 4_000) {
    await Promise.all(
      events.slice(from, from + 4_000).map(({ workspace, id }) =>
        system.writer.write({
          record: 'LeadEvent',
          value: Object({ id, workspace, occurredAt: now, source: 'test', leadId: id, action: 'created' }),
        }),
      ),
    )
  }
}

function truthOf(events: readonly Plan[]): ReadonlyMap<string, number> {
  const ids = new Map<string, Set<string>>()
  for (const { workspace, id } of events) ids.set(workspace, (ids.get(workspace) ?? new Set()).add(id))
  return new Map([...ids].map(([workspace, own]) => [workspace, own.size]))
}

test('G1, G3: kill -9 in the middle of 100,000 events with a tenth copied loses nothing and counts nothing twice', async () => {
  const seed = seedOfRun()
  const events = planEvents(seed, `crash${seed}`)
  const truth = truthOf(events)
  for (const half of [events.slice(0, EVENTS / 2), events.slice(EVENTS / 2)]) {
    const before = await totalOf(truth.keys())
    const sending = send(half)
    await eventually(
      () => totalOf(truth.keys()),
      (total) => total > before + 5_000,
      { what: 'a tenth of the half' },
    )
    await system.kill('consumers')
    await sending
    expect(await totalOf(truth.keys()), 'killed in the middle').toBeLessThan(before + EVENTS * 0.4)
    await system.start('consumers')
  }
  const wanted = [...truth.values()].reduce((sum, count) => sum + count, 0)
  await eventually(
    () => totalOf(truth.keys()),
    (total) => total >= wanted,
    { what: `all ${wanted} events, seed ${seed}`, withinMs: 60_000 },
  )
  await system.kill('consumers')
  await system.start('consumers')
  const wrong = []
  for (const [workspace, count] of truth) {
    const counted = await countOf(workspace)
    if (counted !== count) wrong.push({ workspace, count, counted })
  }
  expect(wrong, `seed ${seed}`).toEqual([])
  const { mismatches } = await checkCounters(engineAddresses(), system.redis, `crash${seed}`)
  expect(mismatches, `seed ${seed}`).toEqual([])
}, 180_000)

test('G2: reading the log again from its start changes no counter', async () => {
  const workspace = `again-${Date.now()}`
  const events = Array.from({ length: 1_000 }, (_, index) => ({ workspace, id: `e${index}` }))
  await send(events)
  await eventually(
    () => countOf(workspace),
    (count) => count === 1_000,
    { what: '1000 events to be counted' },
  )
  await system.kill('consumers')
  const log = createLogger('test', 'silent')
  const admin = connectKafka({ brokers: engineAddresses().kafka, clientId: 'reset', log }).admin()
  await admin.connect()
  await eventually(
    () =>
      admin
        .resetOffsets({ groupId: 'tallygate-usage', topic: 'usage.events', earliest: true })
        .then(() => true),
    (done) => done,
    { what: 'the group to be empty', withinMs: 30_000 },
  )
  await admin.disconnect()
  await system.start('consumers')
  await send([{ workspace, id: 'last' }])
  await eventually(
    () => countOf(workspace),
    (count) => count > 1_000,
    { what: 'the log to be read on' },
  )
  expect(await countOf(workspace)).toBe(1_001)
}, 60_000)

test('G6: after FLUSHALL the shards are rebuilt from snapshots and log to the same counters', async () => {
  const workspace = `flush-${Date.now()}`
  await send(Array.from({ length: 500 }, (_, index) => ({ workspace, id: `e${index % 450}` })))
  await eventually(
    () => countOf(workspace),
    (count) => count === 450,
    { what: '450 events to be counted' },
  )
  const snapshots = new SnapshotLog(system.mongo.db)
  const shard = shardOf(workspace, shards.length)
  await eventually(
    async () =>
      (
        await Promise.all((await snapshots.headers(shard)).map((header) => snapshots.rows(shard, header)))
      ).flat(),
    (rows) => rows.some((row) => row?.workspace === workspace && row.fields['leads'] === '450'),
    { what: `a snapshot of ${workspace}` },
  )
  await system.redis.flushall()
  await send([
    { workspace, id: 'after' },
    { workspace, id: 'e1' },
  ])
  await eventually(
    () => countOf(workspace),
    (count) => count === 451,
    { what: 'the counter to come back', withinMs: 40_000 },
  )
  const ready = await eventually(
    () => Promise.all(shards.map(({ meta }) => system.redis.hget(meta, 'ready'))),
    (flags) => flags.every((flag) => flag === '1'),
    { what: 'every shard to be ready' },
  )
  expect(ready).toHaveLength(SHARDS_DEFAULT)
  const state = await system.redis.hgetall(shards[shard]?.meta ?? '')
  const bases = Object.keys(state).filter((name) => name.startsWith('base:') && Number(state[name]) >= 0)
  expect(bases, 'rebuilt from a snapshot').not.toEqual([])
  expect(await countOf(workspace)).toBe(451)
}, 60_000)
