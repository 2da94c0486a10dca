import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { runCli } from '#test/helpers/cli.ts'
import { ownAddresses } from '#test/helpers/own-system.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const PASSWORD = 'p@ss/word of the cache'
const acl = readFileSync(new URL('../../deploy/redis.acl', import.meta.url), 'utf8')

let server: RedisServer
let system: System
let url: string
beforeAll(async () => {
  server = await RedisServer.start()
  const hash = createHash('sha256').update(PASSWORD).digest('hex')
  const rules = acl.replace('sha256-of-the-password', hash).split('\n')
  const [, name = '', ...own] = rules.find((line) => line.startsWith('user tallygate'))?.split(' ') ?? []
  await server.ask((redis) => redis.acl('SETUSER', name, ...own))
  url = `redis://tallygate:${encodeURIComponent(PASSWORD)}@127.0.0.1:${server.port}`
  system = await startSystem(
    ['api', 'consumers'],
    { SNAPSHOT_EVERY_MS: '300' },
    { ...ownAddresses(), redis: url },
  )
}, 180_000)
afterAll(async () => {
  await system.stop()
  await server.stop()
})

/** Calls that Redis refused anybody; the newest first. */
async function refusals(): Promise<readonly unknown[]> {
  const log = await server.ask((redis) => redis.acl('LOG'))
  return Array.isArray(log) ? log : [log]
}

test('G22: the whole system runs as the user of deploy/redis.acl, and Redis refuses it nothing it needs', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 3 })
  await workspace.send('WhatsappNumberEvent', { number: '+15550100', action: 'connected', connectedAt: null })
  await workspace.counted()
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ used: 3, degraded: false })
  const items = [{ feature: 'ai_credits', quantity: 2 }]
  const used = await workspace.post('/v1/consume', { workspace: workspace.id, id: 'c1', items })
  expect(await used.json()).toMatchObject({ allowed: true })
  const held = await workspace.post('/v1/reservations', {
    workspace: workspace.id,
    id: 'r1',
    items,
    ttlMs: 60_000,
  })
  expect(await held.json()).toMatchObject({ allowed: true })
  const released = await workspace.post('/v1/reservations/r1/release', { workspace: workspace.id })
  expect(released.status).toBe(200)
  await workspace.counted()
  expect((await runCli(system, ['verify', '--workspace', workspace.id])).code).toBe(0)
  const bound = await system.createKey({ workspaces: [workspace.id] })
  const parts = ['entitlements', 'usage?feature=leads', 'subscription', 'notices', 'decisions']
  const paths = ['/v1/usage', ...parts.map((part) => `/v1/workspaces/${workspace.id}/${part}`)]
  const asked = [...paths, `/v1/dead-letters?workspace=${workspace.id}`].flatMap((path) =>
    [system.key, bound].map((key) => ({ path, key })),
  )
  for (const { path, key } of [...asked, { path: '/v1/system', key: system.key }]) {
    const headers = { authorization: `Bearer ${key}` }
    expect((await fetch(new URL(path, system.api), { headers })).status, path).toBe(200)
  }
  expect(await refusals()).toEqual([])
})

test('G22: a rebuild after a total loss needs no more rights than that', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  await server.ask((redis) => redis.flushall())
  await workspace.becomes({ feature: 'ai_credits' }, 'within_limit')
  expect(await refusals()).toEqual([])
})

test.for([
  ['FLUSHALL', []],
  ['FLUSHDB', []],
  ['KEYS', ['*']],
  ['CONFIG', ['GET', 'maxmemory-policy']],
  ['SHUTDOWN', []],
  ['MODULE', ['LIST']],
  ['ACL', ['LIST']],
  ['REPLICAOF', ['NO', 'ONE']],
  ['SCRIPT', ['FLUSH']],
  ['GET', ['another-key']],
] as const)('G22: that user may not %s', async ([command, args]) => {
  const redis = new Redis(url, { retryStrategy: () => null })
  redis.on('error', () => undefined)
  await expect(redis.call(command, ...args)).rejects.toThrow(/NOPERM/)
  redis.disconnect()
})
