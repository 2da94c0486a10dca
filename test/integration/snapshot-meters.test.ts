import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startSnapshots } from '#consumers/snapshots/snapshot-timer.ts'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { wipe } from '#test/simulator/disasters.ts'
import { memoryDb } from '#test/simulator/memory-db.ts'
import { MemoryIncarnations, MemoryPages } from '#test/simulator/memory-stores.ts'

const EVERY_MS = 600

const source = JSON.parse(readFileSync(new URL('../../deploy/catalogue.json', import.meta.url), 'utf8'))
const withBadges = {
  ...source,
  meters: { ...source.meters, badges: [{ ...source.meters.whatsapp_numbers[0], from: '2020-01-01' }] },
}

function stored(revision: number, of: unknown): StoredCatalogue {
  return { revision, source: of, storedAt: 0, storedBy: { kind: 'cli', id: 'test', label: 'test' } }
}

test('G6: members of a meter that a process does not know yet are left out of no snapshot', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  const keys = shardKeys(0, randomUUID())
  await redis.hset(keys.meta, 'inc', '1', 'cat', '2', 'wm:0', '5')
  await redis.hset(keys.usage('acme'), 'badges:20270601:l', '1')
  await redis.sadd(keys.members('acme', 'badges'), 'b1')
  await redis.hset(keys.dirty, 'acme', 'stamp')
  const snapshots = new SnapshotLog(memoryDb())
  const outcomes: string[] = []
  const start = async (
    name: string,
    newer: () => Promise<StoredCatalogue[]>,
  ): Promise<() => Promise<void>> => {
    const catalogues = await MongoCatalogueStore.open({
      newest: async () => stored(1, source),
      after: newer,
    })
    return startSnapshots({
      redis,
      snapshots,
      catalogues,
      incarnations: new MemoryIncarnations(),
      days: new MemoryPages(),
      nonce: randomUUID,
      shards: [keys],
      log: pino({ level: 'silent' }),
      name,
      everyMs: EVERY_MS,
      ranges: async () => [],
      onRound: (_shard, outcome) => outcomes.push(`${name} ${outcome}`),
    }).stop
  }
  const stopOld = await start('old', () => Promise.reject(new Error('no MongoDB')))
  await eventually(async () => outcomes[0], Boolean, { what: 'a round of who knows one catalogue alone' })
  const isTaken = (): Promise<number> => redis.exists(keys.lease('snapshot'))
  const withinMs = EVERY_MS / 2
  await eventually(isTaken, (taken) => taken === 0, { what: 'the shard to be left to others', withinMs })
  const stopNew = await start('new', async () => [stored(2, withBadges)])
  onTestFinished(async () => {
    await Promise.all([stopOld(), stopNew()])
    await wipe(redis, keys)
    await redis.quit()
  })
  await eventually(
    async () => outcomes,
    (all) => all.includes('new stored'),
    { what: 'a snapshot' },
  )
  expect(outcomes).toContain('old failed')
  expect(outcomes).not.toContain('old stored')
  const rows = await mergeRounds(snapshots, 0, await snapshots.headers(0))
  expect(rows).toMatchObject([{ workspace: 'acme', members: { badges: ['b1'] } }])
})
