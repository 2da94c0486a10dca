import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { readPositions } from '#consumers/usage/shard-state.ts'
import { DAY_MS } from '#core/instant.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { apply, type SliceEvent } from '#drivers/redis/apply.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { memoryDb } from '#test/simulator/memory-db.ts'
import { MemoryIncarnations } from '#test/simulator/memory-stores.ts'

const keys = shardKeys(0)
const hasher = dedupeHasher('key of a test'.padEnd(64, '.'))
const TODAY = Date.UTC(2026, 10, 23, 12)
const events = [TODAY, TODAY - DAY_MS].map((occurredAt, offset): SliceEvent => {
  const identity = { workspace: 'acme', source: 'crm', id: `e${offset}` }
  return {
    offset,
    workspace: 'acme',
    occurredAt,
    appendedAt: TODAY,
    dedupe: hasher(identity),
    changes: [{ kind: 'add', meter: 'leads', units: 1 }],
    reservation: null,
    isVoid: false,
  }
})

let server: RedisServer
const incarnations = new MemoryIncarnations()
beforeAll(async () => {
  server = await RedisServer.start()
})
afterAll(() => server.stop())

async function rebuild(): Promise<string> {
  return server.ask((redis) => {
    const deps: RebuildDeps = {
      redis,
      incarnations,
      snapshots: new SnapshotLog(memoryDb()),
      log: pino({ level: 'silent' }),
      name: 'test',
      now: () => TODAY,
      ranges: async () => [{ partition: 0, low: 0, high: 2 }],
      offsetAt: async () => 0,
      catalogueRevision: async () => 1,
    }
    return rebuildShard(deps, keys)
  })
}

/** Counts what the log holds up to an offset from where the shard stands, as a consumer does. */
async function countUpTo(upto: number): Promise<void> {
  const position = async () => (await server.ask((redis) => readPositions(redis, [keys], 0)))[0]
  if ((await position())?.incarnation === null) expect(await rebuild()).toBe('rebuilt')
  const { incarnation, watermark: known = -1 } = (await position()) ?? {}
  const slice = packSlice({
    keys,
    incarnation: incarnation ?? '',
    partition: 0,
    known,
    upto,
    at: TODAY,
    seen: null,
    nonce: `n${upto}`,
    hasThresholds: false,
    events: events.filter(({ offset }) => offset > known && offset <= upto),
  })
  expect((await server.ask((redis) => apply(redis, slice))).outcome).toBe('OK')
}

async function restart(damage: () => void = () => undefined): Promise<void> {
  await server.kill()
  damage()
  await server.start()
}

test('G5: half a call that the file kept is carried out before a rebuild that came after it: found, and counted once', async () => {
  await countUpTo(0)
  await countUpTo(1)
  await restart(() => server.tearLogBehind('SADD'))
  expect(await rebuild(), 'a rebuild for some other reason, in a life that does not know of the half').toBe(
    'rebuilt',
  )
  await restart()
  await countUpTo(1)
  expect(await server.ask((redis) => redis.hget(keys.usage('acme'), 'leads'))).toBe('2')
})
