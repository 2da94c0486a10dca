import { Redis } from 'ioredis'
import type { KafkaMessage } from 'kafkajs'
import { READ_AT_ONCE, type SessionDeps, UsageSession } from '#consumers/usage/usage-session.ts'
import { HOUR_MS } from '#core/instant.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import { shardOf } from '#drivers/redis/keys.ts'
import { TurnBudget } from '#drivers/turn-budget.ts'
import { Turnstile } from '#drivers/turnstile.ts'
import { wipe } from '#test/simulator/disasters.ts'
import { engineAddresses } from './addresses.ts'
import { eventually } from './eventually.ts'
import { LoggedShard } from './logged-shard.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
/** Records behind a batch of which nobody waits for this one. */
export const BACKLOG = 100_000

/** A session that reads a log of one workspace as it is told to, and what it sent. */
interface Reading {
  readonly session: UsageSession
  /** Events of each call. */
  readonly calls: readonly number[]
  /** Records of each part that was read. */
  readonly parts: readonly number[]
  /** Batches whose traces have ended, by how many records each had. */
  readonly ended: readonly number[]
  /** Handles the next records, with so many left behind them. */
  readonly take: (count: number, behind: number) => Promise<unknown>
  readonly faults: Faults
}

/** What goes wrong from now on. */
interface Faults {
  /** The registry says nothing of what is read in parts of fewer than usual. */
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

/** What is done with such a session. */
export type Run = (shard: LoggedShard, reading: Reading) => Promise<void>

/** A log of one workspace, which is in one of so many shards. */
export async function onLog(count: number, run: Run, shardCount = 1): Promise<void> {
  const redis = new Redis(engineAddresses().redis)
  const shards = Array.from({ length: shardCount }, () => new LoggedShard(redis))
  const own = shards[shardOf('acme', shardCount)]
  if (own === undefined) throw new RangeError('no shard')
  for (let n = 0; n < count; n += 1) own.append(0, { id: `e${n}`, at: NOW - HOUR_MS + n })
  await Promise.all(shards.map((shard) => shard.rebuild()))
  const wiped = async (): Promise<void> => {
    await Promise.all(shards.map(({ keys }) => wipe(redis, keys)))
    await redis.quit()
  }
  await run(own, await reading({ redis, shards }, own.logs[0] ?? [])).finally(wiped)
}

interface Where {
  readonly redis: Redis
  readonly shards: readonly LoggedShard[]
}

async function reading({ redis, shards }: Where, log: readonly SliceEvent[]): Promise<Reading> {
  const calls: number[] = []
  const ended: number[] = []
  const parts: number[] = []
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
      read: async (messages: readonly KafkaMessage[]) => {
        parts.push(messages.length)
        return faults.isLetterStuck
          ? { events: [], refused: messages.map((message) => ({ message })) }
          : { events: messages.map(eventAt), refused: [] }
      },
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
    reading: new TurnBudget(READ_AT_ONCE),
    nonce: () => `g${nonce++}`,
  }
  const session = new UsageSession(deps, 0, await Promise.all(shards.map((shard) => shard.position(0))))
  return {
    session,
    calls,
    parts,
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
export async function landed(session: UsageSession): Promise<void> {
  const isBusy = async (): Promise<boolean> => session.isBusy
  await eventually(isBusy, (busy) => !busy, { what: 'all that was read to be in Redis', withinMs: 2_000 })
}

function toMessage(offset: number, at: number): KafkaMessage {
  return Object({ offset: String(offset), timestamp: String(at), key: null, value: null })
}
