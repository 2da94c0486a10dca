import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CounterReading } from '#core/ports.ts'
import { apply } from '#drivers/redis/apply.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { openShard, putFacts, raiseCatalogue, takeOver } from '#drivers/redis/shard-scripts.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { BOUND_MS, openNearApi } from '#test/helpers/near-api.ts'

const shards = allShardKeys(4)
const hasher = dedupeHasher('k'.repeat(64))
const partitionOf = (): number => 0

let server: RedisServer
/** Everybody else: consumers, other APIs. */
let others: Redis
beforeAll(async () => {
  server = await RedisServer.start()
  others = await connectRedis({ url: `redis://127.0.0.1:${server.port}`, commandTimeoutMs: 5_000 })
})
afterAll(async () => {
  others.disconnect()
  await server.stop()
})

let token = 0
/** Every shard ready, in a new life. */
async function openShards(): Promise<void> {
  token += 1
  const start = { partition: 0, watermark: -1, at: 0, base: -1, target: -1, isLowerBound: false }
  const life = { token, catalogueRevision: 1, hasThresholds: false, writes: 0, partitions: [start] }
  for (const keys of shards) {
    await takeOver(others, { keys, token })
    await openShard(others, { keys, ...life })
  }
}

let offset = -1
/** Counts one lead of a workspace, as a consumer does. */
async function countLead(workspace: string): Promise<void> {
  const keys = shards[shardOf(workspace, shards.length)]
  if (keys === undefined) throw new RangeError(workspace)
  const known = Number((await others.hget(keys.meta, 'wm:0')) ?? -1)
  offset = Math.max(offset, known) + 1
  const at = Date.now()
  const event = {
    offset,
    workspace,
    occurredAt: at,
    appendedAt: at,
    dedupe: hasher({ workspace, source: 'test', id: randomUUID() }),
    changes: [{ kind: 'add', meter: 'leads', units: 1 } as const],
    reservation: null,
    isVoid: false,
  }
  const slice = {
    keys,
    incarnation: String(token),
    partition: 0,
    known,
    upto: offset,
    at,
    seen: at,
    nonce: randomUUID(),
  }
  const reply = await apply(others, packSlice({ ...slice, hasThresholds: false, events: [event] }))
  expect(reply.outcome).toBe('OK')
}

const openNear = (url = `redis://127.0.0.1:${server.port}`) => openNearApi({ url, others, shards })

/** By when whoever heard that his change is made can ask: one more round trip, and what arrived with it is read. */
async function heard(): Promise<void> {
  await others.get('nothing')
  await new Promise(setImmediate)
}

const workspaceOf = (): string => `w-${randomUUID().slice(0, 8)}`
const keysOf = (workspace: string) => {
  const keys = shards[shardOf(workspace, shards.length)]
  if (keys === undefined) throw new RangeError(workspace)
  return keys
}

function holdLead(workspace: string): Promise<unknown> {
  const holds = redisHoldStore({ redis: others, shards, partitionOf, hasher, clock: Date.now })
  const now = Date.now()
  return holds.hold(
    {
      workspace,
      operation: 'op',
      fingerprint: 'f',
      occurredAt: null,
      state: 'held',
      dueMs: 60_000,
      partial: false,
      grounds: '',
      groups: [
        {
          limit: null,
          bindsFrom: 0,
          isDenied: false,
          meters: [{ meter: 'leads', aggregation: 'level', window: null }],
        },
      ],
      items: [{ group: 0, meter: 'leads', quantity: 3, subject: null }],
    },
    { factsRevision: '', catalogueRevision: 1, from: now - 60_000, until: now + 60_000 },
  )
}

const changes = [
  ['an event that is counted', countLead, ({ fields }: CounterReading) => fields['leads'], '1'],
  ['a hold', holdLead, ({ fields }: CounterReading) => fields['h:leads'], '3'],
  [
    'a plan',
    (workspace: string) =>
      putFacts(others, {
        keys: keysOf(workspace),
        workspace,
        revision: '1.0.0',
        facts: '{}',
        nonce: randomUUID(),
        since: null,
      }),
    ({ factsRevision }: CounterReading) => factsRevision,
    '1.0.0',
  ],
  [
    'a member',
    (workspace: string) => others.sadd(keysOf(workspace).members(workspace, 'numbers'), '+1'),
    ({ sizes, membership }: CounterReading) => `${sizes['numbers']} ${membership['numbers +1']}`,
    '1 true',
  ],
  [
    'a catalogue',
    (workspace: string) => raiseCatalogue(others, { keys: keysOf(workspace), revision: 2 }),
    ({ catalogueRevision }: CounterReading) => String(catalogueRevision),
    '2',
  ],
  [
    'a rebuild that begins',
    (workspace: string) => takeOver(others, { keys: keysOf(workspace), token: token + 1 }),
    ({ state }: CounterReading) => state,
    'rebuilding',
  ],
] as const

test.for(changes)(
  'near: %s by somebody else is seen by the very next check',
  async ([, change, seen, wanted]) => {
    await openShards()
    const workspace = workspaceOf()
    const api = await openNear()
    await api.stands(workspace)
    expect(seen(await api.see(workspace))).not.toBe(wanted)
    await change(workspace)
    await heard()
    expect(seen(await api.see(workspace))).toBe(wanted)
    await api.close()
    token += 1
  },
)

test('near: no check is behind what was counted a round trip ago, over hundreds of changes', async () => {
  await openShards()
  const workspace = workspaceOf()
  const api = await openNear()
  await api.stands(workspace)
  let isDone = false
  const asking = (async () => {
    for (; !isDone; await api.see(workspace)) await new Promise(setImmediate)
  })()
  try {
    for (let counted = 1; counted <= 300; counted += 1) {
      await countLead(workspace)
      await heard()
      expect(Number((await api.see(workspace)).fields['leads'])).toBe(counted)
    }
  } finally {
    isDone = true
    await asking
  }
  await api.stands(workspace)
  expect((await api.see(workspace)).fields['leads']).toBe('300')
  await api.close()
})

test('near: while nothing changes Redis is asked for the shards alone, and the answers say how far they are', async () => {
  await openShards()
  const workspace = workspaceOf()
  const api = await openNear()
  await countLead(workspace)
  await api.stands(workspace)
  const { standing } = await api.see(workspace)
  const first = standing?.now() ?? null
  await countLead('another')
  await eventually(
    async () => standing?.now()?.now ?? 0,
    (now) => now - (first?.now ?? 0) > 3 * BOUND_MS,
    { what: 'a reading that outlives its bound because Redis is looked at' },
  )
  const now = standing?.now() ?? null
  expect(now?.lagMs).toBe((now?.now ?? 0) - (now?.asOf ?? 0))
  expect(Math.abs((now?.now ?? 0) - Date.now())).toBeLessThan(200)
  await api.close()
})

test('near: a connection that is swallowed gives no answer older than the bound, and checks go on elsewhere', async () => {
  await openShards()
  const proxy = await TcpProxy.open(server.port)
  const workspace = workspaceOf()
  const api = await openNear(`redis://127.0.0.1:${proxy.port}`)
  await api.stands(workspace)
  proxy.set({ kind: 'blackhole' })
  await countLead(workspace)
  const countedAt = performance.now()
  let lastOldAt = countedAt
  while (performance.now() - countedAt < 2 * BOUND_MS) {
    if (api.isStanding(workspace)) lastOldAt = performance.now()
    await new Promise(setImmediate)
  }
  expect(lastOldAt - countedAt).toBeLessThanOrEqual(BOUND_MS)
  expect((await api.see(workspace)).fields['leads']).toBe('1')
  proxy.set({ kind: 'reset' })
  proxy.set({ kind: 'pass' })
  await api.stands(workspace)
  expect((await api.see(workspace)).fields['leads']).toBe('1')
  await api.close()
  await proxy.close()
})

test('near: a killed connection takes everything with it, and the next one begins anew', async () => {
  await openShards()
  const workspace = workspaceOf()
  const api = await openNear()
  await api.stands(workspace)
  await others.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await countLead(workspace)
  await heard()
  expect((await api.see(workspace)).fields['leads']).toBe('1')
  await api.stands(workspace)
  await countLead(workspace)
  await heard()
  expect((await api.see(workspace)).fields['leads']).toBe('2')
  await api.close()
})

test('near: FLUSHALL is never a silent zero, nor the figures of before', async () => {
  await openShards()
  const workspace = workspaceOf()
  await countLead(workspace)
  const api = await openNear()
  await api.stands(workspace)
  await others.flushall()
  await heard()
  expect((await api.see(workspace)).state).toBe('rebuilding')
  await api.close()
})

test('near: a Redis that does not tell of changes is asked each time, and the log says so once', async () => {
  await openShards()
  const workspace = workspaceOf()
  await others.call('ACL', 'SETUSER', 'mute', 'on', '>p', '~*', '+@all', '-client|tracking')
  const api = await openNear(`redis://mute:p@127.0.0.1:${server.port}`)
  await eventually(
    async () => api.warnings.length,
    (lines) => lines === 1,
    { what: 'the line of the log' },
  )
  await api.see(workspace)
  await countLead(workspace)
  expect((await api.see(workspace)).fields['leads']).toBe('1')
  expect(api.asked.direct).toBeGreaterThan(1)
  await api.close()
})
