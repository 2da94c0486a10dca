import { setImmediate as nextTurn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { KafkaMessage } from 'kafkajs'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { ShardTrack } from '#consumers/usage/shard-track.ts'
import { type SessionDeps, UsageSession } from '#consumers/usage/usage-session.ts'
import { HOUR_MS } from '#core/instant.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import { shardOf } from '#drivers/redis/keys.ts'
import { Turnstile } from '#drivers/turnstile.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { wipe } from '#test/simulator/disasters.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
/** Records behind a batch of which nobody waits for this one. */
const BACKLOG = 100_000
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

/** A session that reads a log of one workspace as it is told to, and what it sent. */
interface Reading {
  readonly session: UsageSession
  /** Events of each call. */
  readonly calls: readonly number[]
  /** Batches whose traces have ended, by how many records each had. */
  readonly ended: readonly number[]
  /** Handles the next records, with so many left behind them. */
  readonly take: (count: number, behind: number) => Promise<unknown>
  readonly faults: Faults
}

/** What goes wrong from now on. */
interface Faults {
  /** The registry says nothing of what is read in parts of fewer than a thousand. */
  isRegistryAway: boolean
  /** The partition is lost while a slice is brought to Redis. */
  isLost: boolean
  /** Each record is refused, and Kafka does not take the letter. */
  isLetterStuck: boolean
  /** Redis does not answer before. */
  redis: Promise<void>
  /** Subjects that each event names, in place of its units. */
  subjects: readonly string[] | null
}

type Run = (shard: LoggedShard, reading: Reading) => Promise<void>

/** A log of one workspace, which is in one of so many shards. */
async function onLog(count: number, run: Run, shardCount = 1): Promise<void> {
  const shards = Array.from({ length: shardCount }, () => new LoggedShard(redis))
  const own = shards[shardOf('acme', shardCount)]
  if (own === undefined) throw new RangeError('no shard')
  for (let n = 0; n < count; n += 1) own.append(0, { id: `e${n}`, at: NOW - HOUR_MS + n })
  await Promise.all(shards.map((shard) => shard.rebuild()))
  const wiped = async (): Promise<void> => {
    await Promise.all(shards.map(({ keys }) => wipe(redis, keys)))
  }
  await run(own, await reading(shards, own.logs[0] ?? [])).finally(wiped)
}

async function reading(shards: readonly LoggedShard[], log: readonly SliceEvent[]): Promise<Reading> {
  const calls: number[] = []
  const ended: number[] = []
  const nothing = { isRegistryAway: false, isLost: false, isLetterStuck: false, subjects: null }
  const faults: Faults = { ...nothing, redis: Promise.resolve() }
  let nonce = 0
  const eventAt = ({ offset }: Pick<KafkaMessage, 'offset'>): SliceEvent => {
    const event = log[Number(offset)]
    if (event === undefined) throw new RangeError(`nothing at ${offset}`)
    const { subjects } = faults
    return subjects === null
      ? event
      : { ...event, changes: [{ kind: 'members', meter: 'numbers', subjects }] }
  }
  const deps: SessionDeps = {
    redis,
    shards: shards.map(({ keys }) => keys),
    reader: Object({
      read: async (messages: readonly KafkaMessage[]) =>
        faults.isLetterStuck
          ? { events: [], refused: messages.map((message) => ({ message })) }
          : { events: messages.map(eventAt), refused: [] },
    }),
    prepare: async (messages) => {
      if (faults.isRegistryAway && messages.length < READ_AT_ONCE)
        throw new Error('the registry says nothing')
    },
    deadLetter: () => new Promise(() => undefined),
    retry: async (_what, call) => {
      await faults.redis
      if (faults.isLost) throw new Error('rebalancing')
      return call()
    },
    onLostShard: async () => undefined,
    onApplied: (_reply, { events }) => void (events > 0 && calls.push(events)),
    trace: ({ length }) => ({ end: () => void ended.push(length) }),
    turnstile: new Turnstile(10_000),
    nonce: () => `g${nonce++}`,
  }
  const session = new UsageSession(deps, 0, await Promise.all(shards.map((shard) => shard.position(0))))
  return {
    session,
    calls,
    ended,
    faults,
    take: (count, behind) => {
      const events = log.slice(session.position, session.position + count)
      const messages = events.map((event) => toMessage(event.offset, event.appendedAt))
      const next = session.position + count
      return session.handle({ messages, next, behind, heartbeat: async () => undefined })
    },
  }
}

/** Waits until all that was read is in Redis, without asking for it. */
async function landed(session: UsageSession): Promise<void> {
  const isBusy = async (): Promise<boolean> => session.isBusy
  await eventually(isBusy, (busy) => !busy, { what: 'all that was read to be in Redis', withinMs: 2_000 })
}

/** Records that a session reads in one go. */
const READ_AT_ONCE = 1_000

function toMessage(offset: number, at: number): KafkaMessage {
  return Object({ offset: String(offset), timestamp: String(at), key: null, value: null })
}

test('a backlog goes to Redis in large slices, whatever the batches are, and its end at once', async () => {
  await onLog(1_300, async (shard, { session, calls, take }) => {
    for (let batch = 0; batch < 12; batch += 1) await take(100, BACKLOG)
    expect(session.isBusy).toBe(true)
    await take(100, 0)
    await landed(session)
    expect(calls).toEqual([400, 400, 400, 100])
    const { watermark } = await shard.position(0)
    expect([await shard.used(), watermark, session.isBusy]).toEqual([1_300, 1_299, false])
  })
})

test('what was gathered is not said to be covered, and is sent once nothing follows it', async () => {
  await onLog(40, async (shard, { session, calls, take }) => {
    await take(20, BACKLOG)
    session.sendIdle()
    await session.mark(null)
    expect([(await shard.position(0)).watermark, calls]).toEqual([-1, []])
    await take(20, BACKLOG)
    session.sendIdle()
    expect(session.isBusy).toBe(true)
    session.sendIdle()
    await landed(session)
    expect([await shard.used(), (await shard.position(0)).watermark, calls]).toEqual([40, 39, [40]])
  })
})

test('a batch that cannot be read to its end sends what was gathered before, and is counted once when it can', async () => {
  await onLog(1_150, async (shard, { session, calls, take, faults }) => {
    await take(50, BACKLOG)
    faults.isRegistryAway = true
    await expect(take(1_100, BACKLOG)).rejects.toThrow('the registry says nothing')
    expect(calls).toEqual([500, 500, 50])
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([1_050, 1_049])
    faults.isRegistryAway = false
    await take(1_100, 0)
    await session.settle()
    expect([await shard.used(), calls.at(-1)]).toEqual([1_150, 100])
  })
})

test('a mark does not overtake slices that were sent because they were full', async () => {
  const run: Run = async (shard, { session, take }) => {
    await take(1_000, BACKLOG)
    await session.mark(null)
    await session.settle()
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([1_000, 999])
  }
  await onLog(1_000, run, 4)
})

test('a full slice that was lost with its partition opens that anew: the next mark covers nothing', async () => {
  const run: Run = async (shard, { session, take, faults }) => {
    faults.isLost = true
    await take(500, BACKLOG)
    await landed(session)
    faults.isLost = false
    expect(await session.mark(null)).toBe('reopen')
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([0, -1])
  }
  await onLog(500, run, 4)
})

test('so does what was gathered and lost when the batch after it could not be read', async () => {
  await onLog(100, async (shard, { session, take, faults }) => {
    await take(50, BACKLOG)
    faults.isRegistryAway = true
    faults.isLost = true
    await expect(take(50, BACKLOG)).rejects.toThrow('the registry says nothing')
    faults.isLost = false
    expect(await session.mark(null)).toBe('reopen')
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([0, -1])
  })
})

test('G12: what was gathered does not wait for a letter that Kafka does not take, and no mark passes its record', async () => {
  await onLog(100, async (shard, { session, take, faults }) => {
    await take(50, BACKLOG)
    faults.isLetterStuck = true
    void take(50, BACKLOG)
    await eventually(
      () => shard.used(),
      (used) => used === 50,
      { what: 'the 50 events before it to be counted', withinMs: 2_000 },
    )
    await session.mark(null)
    expect((await shard.position(0)).watermark).toBe(49)
  })
})

test('while Redis is silent heavy events are not read for ever', async () => {
  const run: Run = async (_shard, { session, take, faults }) => {
    faults.subjects = Array.from({ length: 4_000 }, (_, n) => `+${n}`)
    const silence = Promise.withResolvers<void>()
    faults.redis = silence.promise
    for (let n = 0; n < 4; n += 1) await take(1, BACKLOG)
    let isRead = false
    const last = take(1, BACKLOG).then(() => {
      isRead = true
    })
    for (let turn = 0; turn < 100; turn += 1) await nextTurn()
    expect(isRead).toBe(false)
    silence.resolve()
    await last
    await session.settle()
  }
  await onLog(5, run, 4)
})

test('a session that ends sends what it gathered', async () => {
  await onLog(30, async (shard, { session, take }) => {
    await take(30, BACKLOG)
    await session.settle()
    expect(await shard.used()).toBe(30)
  })
})

test('traces of gathered batches end once, when all is in Redis, also where the batch after them cannot be read', async () => {
  await onLog(70, async (_shard, { session, take, ended, faults }) => {
    const untilEnded = (batches: readonly number[]): Promise<unknown> =>
      eventually(
        async () => [...ended],
        (own) => own.length >= batches.length,
        { what: `the traces of ${batches} to end`, withinMs: 20_000 },
      ).then((own) => expect(own).toEqual(batches))
    await take(20, BACKLOG)
    await take(30, BACKLOG)
    faults.isRegistryAway = true
    await expect(take(20, BACKLOG)).rejects.toThrow('the registry says nothing')
    expect(ended).toEqual([])
    session.sendIdle()
    session.sendIdle()
    await untilEnded([20, 30])
    faults.isRegistryAway = false
    const silence = Promise.withResolvers<void>()
    faults.redis = silence.promise
    await take(20, 0)
    for (let turn = 0; turn < 20; turn += 1) await nextTurn()
    expect(ended).toEqual([20, 30])
    silence.resolve()
    await untilEnded([20, 30, 20])
  })
})

test('a session of which nothing waits sends nothing, however often it is asked', async () => {
  await onLog(20, async (_shard, { session, take }) => {
    await take(20, 0)
    await landed(session)
    const send = vi.spyOn(ShardTrack.prototype, 'send')
    onTestFinished(() => send.mockRestore())
    for (let tick = 0; tick < 5; tick += 1) session.sendIdle()
    expect(send).not.toHaveBeenCalled()
  })
})
