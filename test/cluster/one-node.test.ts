import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { redisTimes } from '#drivers/redis/clock.ts'
import { connectRedis, redisProblem } from '#drivers/redis/connect.ts'
import { allShardKeys, SHARDS_CLUSTER } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'
import { requireSafeRedis } from '#drivers/redis/safe-redis.ts'
import { takeOver } from '#drivers/redis/shard-scripts.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { eventually } from '#test/helpers/eventually.ts'

const PASSWORD = 'p@ss/word of the cluster'
/** A node without others does not know its own address. */
const ANNOUNCED = ['--cluster-announce-ip', '127.0.0.1']
const shards = allShardKeys(SHARDS_CLUSTER)
let server: RedisServer
/** One node that has every slot, and lets nobody in but the user of deploy/redis.acl and its own. */
beforeAll(async () => {
  server = await RedisServer.startNode('--cluster-enabled', 'yes', ...ANNOUNCED)
  const acl = readFileSync(new URL('../../deploy/redis.acl', import.meta.url), 'utf8')
  const hash = createHash('sha256').update(PASSWORD).digest('hex')
  const rules = acl.replace('sha256-of-the-password', hash).split('\n')
  const [, name = '', ...own] = rules.find((line) => line.startsWith('user tallygate'))?.split(' ') ?? []
  await server.ask((redis) => redis.acl('SETUSER', name, ...own))
  await server.ask((redis) => redis.cluster('ADDSLOTSRANGE', 0, 16_383))
  await eventually(
    () => server.ask((redis) => redis.cluster('INFO')),
    (info) => info.includes('cluster_state:ok'),
    { what: 'the node to serve every slot' },
  )
})
afterAll(() => server.stop())

const urlOf = (password: string): string =>
  `redis+cluster://tallygate:${encodeURIComponent(password)}@127.0.0.1:${server.port}`

test('G22: the user of deploy/redis.acl may do what a cluster needs, and is refused nothing of it', async () => {
  await server.ask((redis) => redis.acl('LOG', 'RESET'))
  const redis = await connectRedis({ url: urlOf(PASSWORD), commandTimeoutMs: 5_000 })
  expect(redis).toBeInstanceOf(Cluster)
  await requireSafeRedis(redis)
  expect(await redisProblem(redis)).toBeNull()
  for (const keys of shards) {
    expect(await takeOver(redis, { keys, token: 1 })).toBe('OK')
    await redis.hset(keys.usage('acme'), 'leads', '1')
    expect(await listWorkspaces(redis, keys)).toEqual(['acme'])
  }
  const times = await redisTimes(redis, shards)
  for (const time of times) expect(Math.abs(Number(time) - Date.now())).toBeLessThan(5_000)
  expect(await server.ask((own) => own.acl('LOG'))).toEqual([])
  await redis.quit()
})

const wrong: readonly (readonly [what: string, url: () => Promise<string>])[] = [
  ['a wrong password', async () => urlOf('another')],
  ['nobody', async () => 'redis+cluster://127.0.0.1:1'],
  ['a server that is no cluster', () => addressOf()],
  ['a node without slots', () => addressOf('--cluster-enabled', 'yes', ...ANNOUNCED)],
]
test.for(wrong)('a cluster address that leads to %s is refused in time, with a sentence', async ([, url]) => {
  await expect(connectRedis({ url: await url(), commandTimeoutMs: 1_000 })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('whether it is a cluster'),
  })
})

async function addressOf(...more: readonly string[]): Promise<string> {
  const other = await RedisServer.startNode(...more)
  onTestFinished(() => other.stop())
  return `redis+cluster://127.0.0.1:${other.port}`
}
