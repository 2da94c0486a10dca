import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
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
  await system.redis.hincrby(record, 'at', -41 * HOUR_MS)
  await makeDue(workspace)
  await becomes(workspace, 0)
  expect(system.logOf('consumers')).toContain('older than any may be')
  const metrics = await fetch(`${system.consumers}/metrics`)
  expect(await metrics.text()).toContain('tallygate_swept_operations_total{outcome="dropped"} 1')
}, 60_000)
