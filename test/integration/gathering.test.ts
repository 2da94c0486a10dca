import { Redis } from 'ioredis'
import type { KafkaMessage } from 'kafkajs'
import { afterAll, expect, test } from 'vitest'
import { type SessionDeps, UsageSession } from '#consumers/usage/usage-session.ts'
import { HOUR_MS } from '#core/instant.ts'
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

/** A session that reads a shard's log as it is told to, and what it sent. */
interface Reading {
  readonly session: UsageSession
  /** Events of each call. */
  readonly calls: readonly number[]
  /** Handles the next records, with so many left behind them. */
  readonly take: (count: number, behind: number) => Promise<unknown>
  /** What the next call of `take` meets half way, in place of its last record. */
  readonly failNext: () => void
}

async function onLog(
  count: number,
  run: (shard: LoggedShard, reading: Reading) => Promise<void>,
): Promise<void> {
  const shard = new LoggedShard(redis)
  for (let n = 0; n < count; n += 1) shard.append(0, { id: `e${n}`, at: NOW - HOUR_MS + n })
  await shard.rebuild()
  await run(shard, await reading(shard)).finally(() => wipe(redis, shard.keys))
}

async function reading(shard: LoggedShard): Promise<Reading> {
  const calls: number[] = []
  const log = shard.logs[0] ?? []
  let [nonce, fails] = [0, false]
  const at = ({ offset }: Pick<KafkaMessage, 'offset'>): number => Number(offset)
  const deps: SessionDeps = {
    redis,
    shards: [shard.keys],
    reader: Object({
      read: async (messages: readonly KafkaMessage[]) => ({
        events: messages.flatMap((message) => log.filter(({ offset }) => offset === at(message))),
        refused: [],
      }),
    }),
    prepare: async (messages) => {
      if (fails && messages.length < READ_AT_ONCE) throw new Error('the registry says nothing')
    },
    deadLetter: async () => undefined,
    retry: (_what, call) => call(),
    onLostShard: async () => undefined,
    onApplied: (_reply, { events }) => void (events > 0 && calls.push(events)),
    turnstile: new Turnstile(10_000),
    nonce: () => `g${nonce++}`,
  }
  const session = new UsageSession(deps, 0, [await shard.position(0)])
  return {
    session,
    calls,
    failNext: () => {
      fails = true
    },
    take: async (count, behind) => {
      const events = log.slice(session.position, session.position + count)
      const messages = events.map((event) => toMessage(event.offset, event.appendedAt))
      const batch = { messages, next: session.position + count, behind, heartbeat: async () => undefined }
      try {
        return await session.handle(batch)
      } finally {
        fails = false
      }
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
    await session.mark(null)
    expect([(await shard.position(0)).watermark, calls]).toEqual([-1, []])
    await take(20, BACKLOG)
    await session.mark(null)
    expect(calls).toEqual([])
    await session.mark(null)
    await landed(session)
    expect([await shard.used(), (await shard.position(0)).watermark, calls]).toEqual([40, 39, [40]])
  })
})

test('a batch that cannot be read to its end sends what was gathered before, and is counted once when it can', async () => {
  await onLog(1_150, async (shard, { session, calls, take, failNext }) => {
    await take(50, BACKLOG)
    failNext()
    await expect(take(1_100, BACKLOG)).rejects.toThrow('the registry says nothing')
    expect(calls).toEqual([500, 500, 50])
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([1_050, 1_049])
    await take(1_100, 0)
    await session.settle()
    expect([await shard.used(), calls.at(-1)]).toEqual([1_150, 100])
  })
})

test('a session that ends sends what it gathered', async () => {
  await onLog(30, async (shard, { session, take }) => {
    await take(30, BACKLOG)
    await session.settle()
    expect(await shard.used()).toBe(30)
  })
})
