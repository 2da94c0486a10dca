import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WHEN_JUDGED } from '#core/entitlement/facts.ts'
import { apply } from '#drivers/redis/apply.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { forgetStamp, putFacts } from '#drivers/redis/shard-scripts.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'

/** A shard that no process of this run uses. */
const keys = shardKeys(99)
let redis: Awaited<ReturnType<typeof connectRedis>>
beforeAll(async () => {
  redis = await connectRedis({ url: engineAddresses().redis, commandTimeoutMs: 5_000 })
  await redis.hset(keys.meta, 'inc', '1')
})
afterAll(() => redis.quit())

function put(workspace: string, revision: string, since: number | null): Promise<string> {
  return putFacts(redis, { keys, workspace, revision, facts: '{}', nonce: randomUUID(), since })
}

/** What a crossing would be dated by: the earlier one of both raises; undefined where there is none. */
async function raisedAt(workspace: string): Promise<string | undefined> {
  const [, ...raises] = (await stampOf(workspace)).split('|')
  const known = raises.filter((raise) => raise !== '').map(Number)
  return known.length === 0 ? undefined : String(Math.min(...known))
}

async function stampOf(workspace: string): Promise<string> {
  return (await redis.hget(keys.judge, workspace)) ?? ''
}

/** Counts leads, one event per append time. */
async function raise(workspace: string, ...appendTimes: readonly number[]): Promise<void> {
  const known = Number((await redis.hget(keys.meta, 'wm:0')) ?? -1)
  const events = appendTimes.map((appendedAt, index) => ({
    offset: known + 1 + index,
    workspace,
    occurredAt: appendedAt,
    appendedAt,
    dedupe: { member: randomUUID(), subShard: 0 },
    changes: [{ kind: 'add' as const, meter: 'leads', units: 1 }],
    reservation: null,
    isVoid: false,
  }))
  const upto = known + events.length
  const { outcome } = await apply(
    redis,
    packSlice({
      keys,
      incarnation: '1',
      partition: 0,
      known,
      upto,
      at: 9_000,
      seen: null,
      hasThresholds: false,
      nonce: randomUUID(),
      events,
    }),
  )
  expect(outcome).toBe('OK')
}

test('judge: a crossing counts from the earliest event that nobody judged, in whatever order they came', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await raise(workspace, 5_000, 3_000)
  await raise(workspace, 4_000)
  expect(await raisedAt(workspace)).toBe('3000')
  expect(await forgetStamp(redis, { hash: keys.judge, workspace, value: await stampOf(workspace) })).toBe(
    'OK',
  )
  await raise(workspace, 8_000)
  expect(await raisedAt(workspace)).toBe('8000')
})

test('judge: history that was judged dates nothing from the second look on, by an event or by a change of facts', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  const look = async (meanwhile: () => Promise<unknown>): Promise<string> => {
    const value = await stampOf(workspace)
    await meanwhile()
    return forgetStamp(redis, { hash: keys.judge, workspace, value })
  }
  await raise(workspace, 1_000)
  expect(await look(() => raise(workspace, 8_000))).toBe('TOUCHED')
  expect(await raisedAt(workspace), 'it may have come after the counters were read').toBe('1000')
  expect(await look(() => raise(workspace, 8_500))).toBe('TOUCHED')
  expect(await raisedAt(workspace)).toBe('8500')
  expect(await look(() => put(workspace, '2.0.1', 9_000))).toBe('TOUCHED')
  expect(await raisedAt(workspace)).toBe('9000')
})

test('judge: history that comes while live use is judged keeps its time', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', 9_000)
  const value = await stampOf(workspace)
  await raise(workspace, 1_000)
  expect(await forgetStamp(redis, { hash: keys.judge, workspace, value })).toBe('TOUCHED')
  expect(await raisedAt(workspace)).toBe('1000')
})

test('judge: what only lowers a meter asks to be judged and dates nothing', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  await redis.hset(keys.judge, workspace, '1||')
  expect(await forgetStamp(redis, { hash: keys.judge, workspace, value: '0||' })).toBe('TOUCHED')
  expect(await raisedAt(workspace)).toBeUndefined()
})

test('facts: a change that somebody else read on the way is judged all the same, from when it counts', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  expect(await put(workspace, '2.0.1', null)).toBe('STORED')
  expect(await raisedAt(workspace)).toBeUndefined()
  expect(await put(workspace, '2.0.1', 1_000)).toBe('SAME')
  expect(await raisedAt(workspace)).toBe('1000')
})

test('facts: what is read again counts from when it is judged, and dates nothing that came before or after it', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  expect(await put(workspace, '2.0.1', WHEN_JUDGED)).toBe('SAME')
  expect(await raisedAt(workspace), 'later than any look').toBe(String(WHEN_JUDGED))
  await raise(workspace, 8_000)
  expect(await raisedAt(workspace)).toBe('8000')
  await put(workspace, '2.0.1', WHEN_JUDGED)
  expect(await raisedAt(workspace)).toBe('8000')
})

test('facts: older ones change nothing, mixed ones ask for a new reading', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  expect(await put(workspace, '1.0.1', 1_000)).toBe('OLDER')
  expect(await put(workspace, '3.0.0', 1_000)).toBe('MIXED')
  expect(await raisedAt(workspace)).toBeUndefined()
  expect(await redis.hget(keys.usage(workspace), 'rev')).toBe('2.0.1')
})
