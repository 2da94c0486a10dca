import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, expect, test } from 'vitest'
import { startSnapshots } from '#consumers/snapshots/snapshot-timer.ts'
import { dayOf, HOUR_MS } from '#core/instant.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { wipe } from '#test/simulator/disasters.ts'
import { MemoryPages } from '#test/simulator/memory-stores.ts'

const START = Date.UTC(2026, 10, 23, 12)
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

/** A shard that was rebuilt from nothing, while a test uses it. */
async function onShard(partitions: number, run: (shard: LoggedShard) => Promise<void>): Promise<void> {
  const shard = new LoggedShard(redis, partitions)
  await shard.rebuild()
  await run(shard).finally(() => wipe(redis, shard.keys))
}

/** Appends an event so many hours after the start, and counts it. */
async function send(shard: LoggedShard, { partition = 0, ...event }: Sent): Promise<void> {
  const { id, hours, happened = hours } = event
  shard.append(partition, { id, at: START + hours * HOUR_MS, occurredAt: START + happened * HOUR_MS })
  await shard.count(partition, { upto: (shard.logs[partition] ?? []).length - 1 })
}

interface Sent {
  readonly id: string
  readonly partition?: number
  /** When it was appended, and when it happened if that is another time; hours after the start. */
  readonly hours: number
  readonly happened?: number
}

/** Days of which ids are remembered, by their buckets and by their sets. */
async function remembered({ keys }: LoggedShard): Promise<Readonly<Record<'buckets' | 'sets', unknown>>> {
  const sets = await redis.keys(`${keys.prefix}d:*`)
  const days = sets.map((key) => key.slice(`${keys.prefix}d:`.length).split(':')[0])
  return { buckets: (await redis.hkeys(keys.buckets)).sort(), sets: [...new Set(days)].sort() }
}

const [first, last] = [dayOf(START), dayOf(START + 73 * HOUR_MS)]
const both = { buckets: [first, last], sets: [first, last] }
const newest = { buckets: [last], sets: [last] }

test('G27: event ids are forgotten when all that is appended came more than 72 hours after them, and not before', async () => {
  await onShard(1, async (shard) => {
    await send(shard, { id: 'a', hours: 0 })
    await send(shard, { id: 'b', hours: 72, happened: 73 })
    await shard.forget()
    expect(await remembered(shard)).toEqual(both)
    await send(shard, { id: 'c', hours: 73 })
    await shard.forget()
    expect(await remembered(shard)).toEqual(newest)
    expect(await shard.used()).toBe(3)
  })
})

test('G27: the rounds that take snapshots forget them', async () => {
  await onShard(1, async (shard) => {
    await send(shard, { id: 'a', hours: 0 })
    await send(shard, { id: 'b', hours: 73 })
    let nonces = 0
    const rounds = startSnapshots({
      ...shard.deps(),
      shards: [shard.keys],
      days: new MemoryPages(),
      catalogues: { load: async () => defaultCatalogue(), remembered: defaultCatalogue },
      log: pino({ level: 'silent' }),
      everyMs: 10,
      nonce: () => `r${nonces++}`,
      onRound: () => undefined,
    })
    const seen = eventually(
      () => remembered(shard),
      ({ sets }) => JSON.stringify(sets) === JSON.stringify(newest.sets),
      { what: 'the ids of the first day to be forgotten', withinMs: 20_000 },
    )
    expect(await seen.finally(rounds.stop)).toEqual(newest)
  })
})

test('G3: a partition that lags has no id forgotten that another one brought less than 72 hours ago', async () => {
  await onShard(2, async (shard) => {
    await send(shard, { id: 'x', hours: 3, happened: 0 })
    await send(shard, { id: 'y', partition: 1, hours: 0 })
    await send(shard, { id: 'later', hours: 73 })
    await send(shard, { id: 'too', partition: 1, hours: 73 })
    await shard.forget()
    await send(shard, { id: 'x', hours: 74, happened: 0 })
    expect(await shard.used()).toBe(4)
  })
})
