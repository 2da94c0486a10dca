import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { CatalogueNaming } from '#consumers/name-catalogue.ts'
import { snapshotRound } from '#consumers/snapshots/snapshot-round.ts'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { versionsAfter } from '#test/helpers/versions.ts'
import { wipe } from '#test/simulator/disasters.ts'
import { memoryDb } from '#test/simulator/memory-db.ts'
import { MemoryPages } from '#test/simulator/memory-stores.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

/** A shard of its own that has a life, while a test uses it. */
async function withShard(use: (keys: ReturnType<typeof shardKeys>) => Promise<void>): Promise<void> {
  const keys = shardKeys(0, randomUUID())
  await redis.hset(keys.meta, 'inc', '1')
  await use(keys).finally(() => wipe(redis, keys))
}

/** A shard whose events come one by one, and whose MongoDB can be set back to a round of snapshots. */
class SetBack extends LoggedShard {
  async send(id: string, at: number): Promise<void> {
    this.append(0, { id, at })
    await this.catchUp()
  }

  async catchUp(): Promise<void> {
    await this.count(0, { upto: (this.logs[0] ?? []).length - 1 })
  }

  async restoreTo(round: number, life = 1): Promise<void> {
    this.incarnations.restore(0, life)
    const headers = await this.snapshots.headers(0)
    await this.snapshots.drop(
      0,
      headers.filter((header) => header.round > round),
    )
  }

  /** Redis is emptied, and the shard is rebuilt. */
  async lose(): Promise<void> {
    await wipe(redis, this.keys)
    await this.rebuild()
    await this.catchUp()
  }
}

/** A shard that was rebuilt from nothing, while a test uses it. */
async function onShard(run: (shard: SetBack) => Promise<void>): Promise<void> {
  const shard = new SetBack(redis)
  await shard.rebuild()
  await run(shard).finally(() => wipe(redis, shard.keys))
}

test('G6: a MongoDB that was restored to before a round of snapshots loses no count when Redis is lost after it', async () => {
  await onShard(async (shard) => {
    await shard.send('a', NOW - HOUR_MS)
    await shard.snapshot()
    for (const id of ['b', 'c', 'd']) await shard.send(id, NOW)
    await shard.snapshot()
    await shard.restoreTo(1)
    await redis.hset(shard.keys.dirty, 'bolt', 'changed since')
    await shard.snapshot()
    await shard.lose()
    expect(await shard.used()).toBe(4)
  })
})

test('G6: rounds that a restored MongoDB lacks are missed also where Redis was rebuilt from them', async () => {
  await onShard(async (shard) => {
    await shard.send('a', NOW - HOUR_MS)
    await shard.snapshot()
    for (const id of ['b', 'c', 'd']) await shard.send(id, NOW)
    await shard.snapshot()
    await shard.lose()
    for (const round of [1, 0]) {
      await shard.restoreTo(round)
      await redis.hset(shard.keys.dirty, 'bolt', 'changed since')
      await shard.snapshot()
      const headers = await shard.snapshots.headers(0)
      expect(headers.at(-1)).toMatchObject({ round: round + 1, full: true })
      await shard.snapshot()
      expect(await shard.snapshots.headers(0), 'once is enough').toHaveLength(headers.length)
      await shard.lose()
      expect(await shard.used()).toBe(4)
    }
  })
})

test('G6: a MongoDB that was restored to before a rebase does not have the log that there is refused', async () => {
  await onShard(async (shard) => {
    for (let n = 0; n < 10; n += 1) await shard.send(`old${n}`, NOW - HOUR_MS + n)
    await shard.snapshot()
    shard.logs[0] = []
    await shard.rebase()
    for (let n = 0; n < 5; n += 1) await shard.send(`new${n}`, NOW + n)
    await shard.snapshot()
    await shard.restoreTo(1)
    const keeper = shard.keeper()
    const positions = await keeper.positions(0, () => true)
    expect(await keeper.kept(0, positions)).toBe(-1)
    expect(await shard.rebase(), 'nothing to be rebased').toEqual([])
    await shard.snapshot()
    expect(await keeper.kept(0, positions)).toBe(4)
    await shard.lose()
    expect(await shard.used()).toBe(15)
  })
})

test('G6: days that a restored MongoDB lacks are back when Redis is emptied as well', async () => {
  await onShard(async (shard) => {
    await shard.send('a', NOW - 60 * DAY_MS)
    await shard.snapshot()
    await shard.send('b', NOW)
    await shard.snapshot()
    expect(await shard.used()).toBe(1)
    await shard.restoreTo(1)
    await shard.lose()
    expect(await shard.used()).toBe(2)
  })
})

interface Restored {
  readonly store: CachedFactStore
  readonly stored: SubscriptionEvent[]
  /** What happens while MongoDB is read for the last time, before Redis is told. */
  onRead: (read: number) => Promise<void>
}

/** Facts of `acme` by versions that a test takes away. */
function factsIn(keys: ReturnType<typeof shardKeys>): Restored {
  const stored = [...versionsAfter({ is: { seats: 3 } }, { is: { seats: 4 } })]
  let reads = 0
  const world: Restored = {
    stored,
    onRead: async () => undefined,
    store: new CachedFactStore({
      redis,
      shards: [keys],
      source: {
        read: async () => {
          reads += 1
          const versions = [...stored]
          await world.onRead(reads)
          return { versions, overrides: [], crossings: { count: 0, newest: null } }
        },
      },
      fold: async () => null,
    }),
  }
  return world
}

test('a MongoDB that was restored to fewer versions is believed, and the next check needs it no more', async () => {
  await withShard(async (keys) => {
    const before = factsIn(keys)
    expect((await before.store.refresh('acme', null)).revision).toBe('3.0.0')
    const after = factsIn(keys)
    for (const left of [1, 0]) {
      after.stored.length = left
      expect((await after.store.refresh('acme', null)).revision).toBe(`${left}.0.0`)
      const named = await redis.hget(keys.usage('acme'), 'rev')
      expect(named).toBe(left === 0 ? null : '1.0.0')
      expect(after.store.current('acme', named ?? '')?.revision).toBe(`${left}.0.0`)
    }
    expect(await redis.exists(keys.facts('acme'))).toBe(0)
  })
})

test('a version that is stored while an older state of MongoDB is written through stays in force', async () => {
  await withShard(async (keys) => {
    const store = factsIn(keys)
    await store.store.refresh('acme', null)
    const slow = factsIn(keys)
    slow.stored.length = 1
    slow.onRead = async (read) => {
      if (read === 5) await redis.hset(keys.usage('acme'), 'rev', '4.0.0')
    }
    await slow.store.refresh('acme', null)
    expect(await redis.hget(keys.usage('acme'), 'rev')).toBe('4.0.0')
  })
})

/** Names the catalogue of a MongoDB; this process remembers one revision of it, and may have to look for the newest. */
function namingIn(keys: ReturnType<typeof shardKeys>) {
  const world = { now: 0, remembered: 5, newest: 7 }
  const withRevision = (revision: number) => ({ ...defaultCatalogue(), revision })
  const catalogues = {
    remembered: () => withRevision(world.remembered),
    load: async () => withRevision(world.newest),
    heard: () => 0,
    takeBack: () => undefined,
  }
  const naming = new CatalogueNaming({ redis, shards: [keys], catalogues, now: () => world.now })
  const named = async (): Promise<readonly [number, string | null]> => [
    await naming.name(),
    await redis.hget(keys.meta, 'cat'),
  ]
  return { world, named }
}

test('a catalogue that Redis names and a restored MongoDB lacks is taken back, one that was just stored is not', async () => {
  await withShard(async (keys) => {
    await redis.hset(keys.meta, 'cat', '7')
    const { world, named } = namingIn(keys)
    expect(await named()).toEqual([0, '7'])
    world.newest = 5
    expect(await named()).toEqual([0, '7'])
    world.now = 20_000
    expect(await named()).toEqual([1, '5'])
    Object.assign(world, { remembered: 6, newest: 6 })
    expect(await named()).toEqual([0, '6'])
  })
})

test('a catalogue is not taken back for a primary that was cut off and lacks it for some seconds', async () => {
  await withShard(async (keys) => {
    await redis.hset(keys.meta, 'cat', '7')
    const { world, named } = namingIn(keys)
    const at = async (now: number, newest: number): Promise<readonly [number, string | null]> => {
      Object.assign(world, { now, newest })
      return named()
    }
    expect(await at(0, 5)).toEqual([0, '7'])
    expect(await at(10_000, 7)).toEqual([0, '7'])
    expect(await at(20_000, 5)).toEqual([0, '7'])
    await redis.hset(keys.meta, 'cat', '8')
    expect(await at(41_000, 5)).toEqual([0, '8'])
    expect(await at(60_999, 5)).toEqual([0, '8'])
    expect(await at(61_000, 5)).toEqual([1, '5'])
  })
})

test('G13: who heard of a catalogue that was lost measures on without MongoDB once Redis names another one', async () => {
  await withShard(async (keys) => {
    await redis.hset(keys.meta, 'cat', '7')
    const world = { now: 0, isAway: false }
    const source: unknown = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
    const storedBy = { kind: 'cli', id: 'test', label: 'test' } as const
    const catalogues = await MongoCatalogueStore.open({
      newest: async () => ({ revision: 5, source, storedAt: 0, storedBy }),
      after: () => (world.isAway ? Promise.reject(new Error('no MongoDB')) : Promise.resolve([])),
    })
    const naming = new CatalogueNaming({ redis, shards: [keys], catalogues, now: () => world.now })
    catalogues.heardOf(7)
    await naming.name()
    expect(catalogues.heard(), 'not lost yet').toBe(7)
    world.now = 20_000
    expect(await naming.name()).toBe(1)
    world.isAway = true
    expect((await catalogues.inForce()).revision).toBe(5)
    catalogues.heardOf(6)
    catalogues.takeBack({ heard: 5, revision: 5 })
    await expect(catalogues.inForce(), 'one that was heard of since').rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

test('G6: members of a meter that only a lost catalogue has are in the snapshots all the same', async () => {
  await withShard(async (keys) => {
    await redis.hset(keys.usage('acme'), 'badges:20261123:l', '1', 'bots', '2', 'bots:20261123:l', '2')
    await redis.sadd(keys.members('acme', 'badges'), 'b1')
    await redis.hset(keys.dirty, 'acme', 'stamp')
    const snapshots = new SnapshotLog(memoryDb())
    const deps = {
      redis,
      snapshots,
      incarnations: { newest: async () => 1 },
      days: new MemoryPages(),
      distinctMeters: async () => ['seats'],
      lastingMeters: () => [],
      nonce: () => 'n',
    }
    expect(await snapshotRound(deps, keys)).toBe('stored')
    const rows = await mergeRounds(snapshots, 0, await snapshots.headers(0))
    expect(rows).toMatchObject([{ workspace: 'acme', members: { badges: ['b1'] } }])
  })
})
