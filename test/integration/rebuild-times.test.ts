import { Redis } from 'ioredis'
import type { KafkaMessage } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import { findRemade, standingOf } from '#cli/rebase/find-remade.ts'
import { rebaseShard } from '#cli/rebase/rebase-shard.ts'
import { type SessionDeps, UsageSession } from '#consumers/usage/usage-session.ts'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { TurnBudget } from '#drivers/turn-budget.ts'
import { Turnstile } from '#drivers/turnstile.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { wipe } from '#test/simulator/disasters.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

async function onShard(partitions: number, run: (shard: LoggedShard) => Promise<void>): Promise<void> {
  const shard = new LoggedShard(redis, partitions)
  await run(shard).finally(() => wipe(redis, shard.keys))
}

/** Redis loses the shard, and it is read again. */
async function lose(shard: LoggedShard): Promise<void> {
  await wipe(redis, shard.keys)
  await shard.rebuild()
}

/** A session that is given nothing to read. */
function sessionDeps(shard: LoggedShard): SessionDeps {
  const unused = (): never => {
    throw new Error('nothing is read')
  }
  let calls = 0
  return {
    redis,
    shards: [shard.keys],
    reader: { read: unused } as unknown as SessionDeps['reader'],
    prepare: unused,
    deadLetter: unused,
    retry: unused,
    onLostShard: unused,
    onApplied: () => undefined,
    turnstile: new Turnstile(1_000),
    reading: new TurnBudget(1_000),
    nonce: () => {
      calls += 1
      return `s${calls}`
    },
  }
}

test('G3: a copy that comes late in a partition that lags counts once also after Redis was lost', async () => {
  await onShard(2, async (shard) => {
    const first = NOW - 100 * HOUR_MS
    shard.append(0, { id: 'x', at: first })
    shard.append(1, { id: 'y', at: first + 46 * HOUR_MS })
    shard.append(0, { id: 'z', at: first + 74 * HOUR_MS })
    await shard.rebuild()
    await shard.count(0, { upto: 1 })
    await shard.count(1, { upto: 0 })
    shard.append(1, { id: 'x', at: first + 47 * HOUR_MS, occurredAt: first })
    await shard.snapshot()
    await shard.forget()
    await lose(shard)
    await shard.count(0, { upto: 1 })
    await shard.count(1, { upto: 1 })
    expect(await shard.used()).toBe(3)
  })
})

test('rebuild: a partition that was rebased has no other one read from its start', async () => {
  await onShard(2, async (shard) => {
    for (let day = 30; day > 0; day -= 1) shard.append(1, { id: `d${day}`, at: NOW - day * DAY_MS })
    shard.append(0, { id: 'old', at: NOW - DAY_MS })
    await shard.rebuild()
    for (let upto = 0; upto < 30; upto += 1) await shard.count(1, { upto })
    await shard.count(0, { upto: 0 })
    shard.logs[0] = []
    const logs = { ranges: shard.ranges(), named: [], offsetAt: shard.offsetAt }
    const { snapshots, incarnations } = shard
    const deps = { redis, snapshots, incarnations, now: () => NOW, name: 'test', distinctMeters: [] }
    const remade = await findRemade(logs, [await standingOf(deps, shard.keys)])
    await rebaseShard(deps, shard.keys, { remade, isComplete: true })
    shard.append(0, { id: 'new', at: NOW })
    await lose(shard)
    expect([(await shard.position(0)).watermark, (await shard.position(1)).watermark]).toEqual([-1, 25])
  })
})

test('rebuild: time never goes back, so that a snapshot says how far ids must be read again', async () => {
  await onShard(1, async (shard) => {
    for (let n = 0; n < 5; n += 1)
      shard.append(0, { id: `e${n}`, at: NOW - 300 * HOUR_MS + n * 70 * HOUR_MS })
    await shard.rebuild()
    await shard.count(0, { upto: 4 })
    const session = new UsageSession(sessionDeps(shard), 0, [await shard.position(0)])
    session.passOver(6)
    await session.mark(null)
    expect((await shard.position(0)).at).toBe(NOW - 20 * HOUR_MS)
    await shard.snapshot()
    const [log] = shard.logs
    log?.push(...log.slice(-1).map((last) => ({ ...last, offset: 6 })))
    await lose(shard)
    expect(await shard.position(0)).toMatchObject({ watermark: 2, at: NOW - 20 * HOUR_MS })
  })
})

test('dead letters: a record is set aside once, also when Redis lost all and the log is read again', async () => {
  await onShard(1, async (shard) => {
    for (let n = 0; n < 6; n += 1) shard.append(0, { id: `e${n}`, at: NOW - HOUR_MS + n })
    await shard.rebuild()
    await shard.count(0, { upto: 4 })
    await shard.snapshot()
    await lose(shard)
    const letters: string[] = []
    const messages = (shard.logs[0] ?? []).map(({ offset }) => ({ offset: String(offset) }) as KafkaMessage)
    const refused = [messages[2], messages[5]].map((message) => ({ message }))
    const session = new UsageSession(
      {
        ...sessionDeps(shard),
        reader: { read: async () => ({ events: [], refused }) } as unknown as SessionDeps['reader'],
        prepare: async () => undefined,
        retry: (_what, call) => call(),
        deadLetter: async ({ message }) => void letters.push(message.offset),
      },
      0,
      [await shard.position(0)],
    )
    expect(session.position).toBe(0)
    await session.handle({ messages, next: 6, behind: 0, heartbeat: async () => undefined })
    expect(letters).toEqual(['5'])
  })
})

test('rebuild: what a shard says of itself is looked up by a hash, however little that is', async () => {
  await onShard(1, async (shard) => {
    await shard.rebuild()
    expect(await redis.object('ENCODING', shard.keys.meta)).toBe('hashtable')
  })
})
