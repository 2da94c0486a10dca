import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectRedis } from '#drivers/redis/connect.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { putFacts } from '#drivers/redis/shard-scripts.ts'
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

async function raisedAt(workspace: string): Promise<string | undefined> {
  return (await redis.hget(keys.judge, workspace))?.split('|')[1]
}

test('facts: a change that somebody else read on the way is judged all the same, from when it counts', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  expect(await put(workspace, '2.0.1', null)).toBe('STORED')
  expect(await raisedAt(workspace)).toBeUndefined()
  expect(await put(workspace, '2.0.1', 1_000)).toBe('SAME')
  expect(await raisedAt(workspace)).toBe('1000')
})

test('facts: older ones change nothing, mixed ones ask for a new reading', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  expect(await put(workspace, '1.0.1', 1_000)).toBe('OLDER')
  expect(await put(workspace, '3.0.0', 1_000)).toBe('MIXED')
  expect(await raisedAt(workspace)).toBeUndefined()
  expect(await redis.hget(keys.usage(workspace), 'rev')).toBe('2.0.1')
})
