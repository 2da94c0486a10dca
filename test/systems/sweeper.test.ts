import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { redisTime } from '#drivers/redis/clock.ts'
import { allShardKeys, SHARDS_DEFAULT, type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { UseClient } from '#test/chaos/use-client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const faultPoint = new URL('../chaos/fault-point.ts', import.meta.url).pathname
const shards = allShardKeys(SHARDS_DEFAULT)
let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

function keysOf({ id }: TestWorkspace): ShardKeys {
  const keys = shards[shardOf(id, SHARDS_DEFAULT)]
  if (keys === undefined) throw new RangeError(`no shard for ${id}`)
  return keys
}

/** A workspace whose only operation was held by an API that died before it wrote the events. */
async function abandoned(): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ seats: 1 })
  const settings = { FAULT_POINT: 'before produce', NODE_OPTIONS: `--import ${faultPoint}` }
  const dying = await startSystem(['api'], settings)
  const client = new UseClient({ apis: [dying.api], key: dying.key, workspace: workspace.id })
  const body = { id: 'lost', items: [{ feature: 'ai_credits', quantity: 40 }] }
  expect(await client.once('/v1/consume', body)).toBeNull()
  await dying.ended('api')
  await dying.stop()
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ used: 0, remaining: 710 })
  return workspace
}

/** Makes the operation due now, as it will be after half a minute. */
async function makeDue(workspace: TestWorkspace): Promise<void> {
  await system.redis.zadd(keysOf(workspace).due, 1, `${workspace.id}/lost`)
}

async function becomes(workspace: TestWorkspace, used: number): Promise<void> {
  await eventually(
    () => workspace.check({ feature: 'ai_credits' }),
    (seen) => seen.used === used && seen.remaining === 750 - used,
    { what: `${used} credits to be counted and none held`, withinMs: 10_000 },
  )
}

test('G9: what an API held and never wrote is written by the sweeper, under the same ids', async () => {
  const workspace = await abandoned()
  await makeDue(workspace)
  await becomes(workspace, 40)
  const again = await workspace.post('/v1/consume', {
    workspace: workspace.id,
    id: 'lost',
    items: [{ feature: 'ai_credits', quantity: 40 }],
  })
  expect(await again.json()).toMatchObject({ allowed: true, replayed: true, eventIds: ['c~lost~0'] })
  await becomes(workspace, 40)
}, 60_000)

test('a hold that is older than any may be is dropped with an alarm', async () => {
  const workspace = await abandoned()
  const record = keysOf(workspace).operation(workspace.id, 'lost')
  const [state, fingerprint, items, at, ...rest] = (await system.redis.get(record))?.split('\n') ?? []
  const older = [state, fingerprint, items, Number(at) - 41 * HOUR_MS, ...rest]
  await system.redis.set(record, older.join('\n'), 'KEEPTTL')
  await makeDue(workspace)
  await becomes(workspace, 0)
  expect(system.logOf('consumers')).toContain('older than any may be')
  const metrics = await fetch(`${system.consumers}/metrics`)
  expect(await metrics.text()).toContain('tallygate_swept_operations_total{outcome="dropped"} 1')
}, 60_000)

test('G10: 3,000 holds of one shard that expire in the same millisecond are given back within 5 s', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'advanced', seats: 4 })
  const keys = keysOf(workspace)
  const client = new UseClient({ apis: [system.api], key: system.key, workspace: workspace.id })
  const ids = Array.from({ length: 3_000 }, (_, index) => `r${index}`)
  const reserve = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const body = { id, ttlMs: 900_000, items: [{ feature: 'ai_credits', quantity: 1 }] }
      expect((await client.post('/v1/reservations', body))?.body).toMatchObject({ allowed: true })
    }
  }
  await Promise.all(Array.from({ length: 64 }, reserve))
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ held: 3_000, remaining: 2_000 })
  const expireAt = (await redisTime(system.redis, keys)) + 500
  const due = await system.redis.zrange(keys.due, '0', '-1')
  const own = due.filter((member) => member.startsWith(`${workspace.id}/`))
  expect(own).toHaveLength(3_000)
  const moved = own.flatMap((member): (string | number)[] => [expireAt, member])
  await system.redis.zadd(keys.due, ...moved)
  const left = await eventually(
    async () => ({
      count: await system.redis.zcount(keys.due, expireAt, expireAt),
      at: await redisTime(system.redis, keys),
    }),
    ({ count }) => count === 0,
    { what: 'all to be given back', withinMs: 30_000 },
  )
  console.log(`G10: 3,000 holds of one shard given back, the last ${left.at - expireAt} ms after it expired`)
  expect(left.at - expireAt).toBeLessThan(5_000)
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ held: 0, remaining: 5_000 })
}, 120_000)
