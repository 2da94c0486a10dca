import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { DAY_MS, dayOf, HOUR_MS } from '#core/instant.ts'
import { CounterModel } from '#core/usage/counter-model.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { apply, SLICE_MAX, type SliceEvent } from '#drivers/redis/apply.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { type ShardKeys, shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'

const START = Date.UTC(2026, 5, 1)
const hasher = dedupeHasher('k'.repeat(64))
/** Ten times what the call takes on a busy machine: it took six seconds and more. */
const HELD_UP_MAX_MS = 2_000

/** Shard keys in a namespace of their own, so that tests of one Redis do not meet. */
function ownShard(): ShardKeys {
  return shardKeys(0, randomUUID())
}

type Next = (below: number) => number

function randomChange(next: Next, occurredAt: number): CounterChange {
  const subject = `+${next(5)}`
  switch (next(8)) {
    case 0:
      return { kind: 'set', meter: 'leads', units: next(50) }
    case 1:
      return { kind: 'split', meter: 'credits', day: dayOf(occurredAt), startsAt: occurredAt }
    case 2:
    case 3:
      return { kind: 'flow', meter: 'credits', day: dayOf(occurredAt), units: next(9), occurredAt }
    case 4:
      return { kind: 'join', meter: 'numbers', subject }
    case 5:
      return { kind: 'leave', meter: 'numbers', subject }
    case 6:
      return { kind: 'members', meter: 'numbers', subjects: [subject, '+99'] }
    default:
      return { kind: 'add', meter: 'leads', units: next(9) - 4 }
  }
}

/** A log of two partitions with duplicate ids, as one shard sees it. */
function randomLog(next: Next): SliceEvent[][] {
  return [0, 1].map((partition) => {
    const events: SliceEvent[] = []
    for (let offset = 0; offset < 120; offset += 1 + next(3)) {
      const number = next(100)
      const own = seededRandom(number * 2 + partition)
      const workspace = `w${partition}-${number % 3}`
      const occurredAt = START + own(3) * DAY_MS + own(24) * HOUR_MS
      const changes = Array.from({ length: 1 + own(2) }, () => randomChange(own, occurredAt))
      const isVoid = next(15) === 0
      const { member } = hasher({ workspace, source: 'test', id: `e${number}` })
      const dedupe = { member, subShard: own(2) }
      events.push({
        offset,
        workspace,
        occurredAt,
        appendedAt: START + offset * HOUR_MS,
        ...(next(5) === 0 ? { recordedAt: START + 2 * offset * HOUR_MS } : {}),
        dedupe: isVoid ? { member: '', subShard: 0 } : dedupe,
        changes: isVoid ? [] : changes,
        reservation: null,
        isVoid,
      })
    }
    return events
  })
}

/** A shard after a rebuild: counted up to a base in each partition, and further for one workspace of each. */
async function restoreSome(
  redis: Redis,
  keys: ShardKeys,
  next: Next,
): Promise<{ readonly bases: readonly number[]; readonly thresholds: ReadonlyMap<string, number> }> {
  const bases = [next(60) - 1, -1]
  const thresholds = new Map(bases.map((base, partition) => [`w${partition}-1`, base + next(30)]))
  await redis.hset(keys.meta, 'inc', '7', 'th', '1', 'base:0', String(bases[0]))
  for (const [workspace, upto] of thresholds)
    await redis.hset(keys.thresholds(workspace), workspace.slice(1, 2), String(upto))
  return { bases, thresholds }
}

test('G1 conformance: apply.lua and the model agree on random histories of slices', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const seed = seedOfRun()
  const next = seededRandom(seed)
  for (let history = 0; history < 40; history += 1) {
    const keys = ownShard()
    const model = new CounterModel()
    const log = randomLog(next)
    const restored = await restoreSome(redis, keys, next)
    const isCounted = ({ offset, workspace }: SliceEvent, partition: number): boolean =>
      offset > Math.max(restored.bases[partition] ?? -1, restored.thresholds.get(workspace) ?? -1)
    for (let step = 0; step < 60; step += 1) {
      const partition = next(2)
      const known = model.watermark(partition) + (next(4) === 0 ? next(9) - 6 : 0)
      const upto = known + 1 + next(25)
      const events = (log[partition] ?? []).filter(({ offset }) => offset > known && offset <= upto)
      const expected = model.apply({
        partition,
        known,
        upto,
        events: events
          .filter(({ isVoid }) => !isVoid)
          .map((event) => ({
            ...event,
            identity: `${event.workspace} ${event.dedupe.member}`,
            changes: isCounted(event, partition) ? event.changes : [],
          })),
      })
      const slice = {
        keys,
        incarnation: '7',
        partition,
        known,
        upto,
        at: START,
        seen: null,
        hasThresholds: true,
        nonce: 'n',
        events,
      }
      const reply = await apply(redis, packSlice(slice))
      const where = `seed ${seed}, history ${history}, step ${step}`
      expect(reply.outcome, where).toBe(expected)
      expect(reply.watermark, where).toBe(model.watermark(partition))
    }
    for (const workspace of ['w0-0', 'w0-1', 'w0-2', 'w1-0', 'w1-1', 'w1-2']) {
      const where = `seed ${seed}, history ${history}, ${workspace}`
      expect(await redis.hgetall(keys.usage(workspace)), where).toEqual(model.fields(workspace))
      const members = (await redis.smembers(keys.members(workspace, 'numbers'))).sort()
      expect(members, where).toEqual(model.members(workspace, 'numbers'))
    }
  }
})

test('G6 apply: another incarnation writes nothing', async ({ onTestFinished }) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const keys = ownShard()
  await redis.hset(keys.meta, 'inc', '8')
  const slice = {
    keys,
    incarnation: '7',
    partition: 0,
    known: -1,
    upto: 5,
    at: START,
    seen: null,
    hasThresholds: false,
    nonce: 'n',
    events: [],
  }
  expect((await apply(redis, packSlice(slice))).outcome).toBe('INC')
  expect(await redis.hgetall(keys.meta)).toEqual({ inc: '8' })
})

test('a slice says whether its shard was rebuilt to the end before it: only from then on is a count late', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const keys = ownShard()
  await redis.hset(keys.meta, 'inc', '7', 'target:0', '20', 'wm:0', '-1')
  const head = { keys, incarnation: '7', partition: 0, at: START, seen: null, hasThresholds: false }
  const upTo = async (known: number, upto: number): Promise<boolean> =>
    (await apply(redis, packSlice({ ...head, known, upto, nonce: 'n', events: [] }))).isReady
  expect([await upTo(-1, 10), await upTo(10, 20), await upTo(20, 30)]).toEqual([false, false, true])
})

test('G12: a slice that writes ten thousand figures of one workspace is counted whole', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const keys = ownShard()
  await redis.hset(keys.meta, 'inc', '7')
  const meters = Array.from({ length: 10 }, (_, index) => `meter${index}`)
  const events = Array.from({ length: SLICE_MAX }, (_, offset): SliceEvent => {
    const appendedAt = START + offset * DAY_MS
    const changes = meters.map((meter) => ({ kind: 'set', meter, units: offset, isStated: true }) as const)
    const { member } = hasher({ workspace: 'w', source: 'test', id: `e${offset}` })
    const dedupe = { member, subShard: 0 }
    return {
      offset,
      workspace: 'w',
      occurredAt: START,
      appendedAt,
      dedupe,
      changes,
      reservation: null,
      isVoid: false,
    }
  })
  const upto = SLICE_MAX - 1
  const head = { keys, incarnation: '7', partition: 0, known: -1, upto, at: START, seen: null, nonce: 'n' }
  const reply = await apply(redis, packSlice({ ...head, hasThresholds: false, events }))
  expect(reply).toMatchObject({ outcome: 'OK', watermark: upto, counted: SLICE_MAX })
  expect(await redis.hlen(keys.usage('w'))).toBe((SLICE_MAX + 1) * meters.length)
  expect(await redis.hget(keys.usage('w'), 'meter9')).toBe(String(upto))
})

test('G20: lists of members of a workspace with thousands of reservations hold up nobody else', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const keys = ownShard()
  const [workspace, meter, reserved] = ['w', 'numbers', 6_000]
  await redis.hset(keys.meta, 'inc', '7')
  const marks = Array.from({ length: reserved }, (_, n) => [`~${meter}~s${n}`, '1'])
  await redis.hset(keys.holds(workspace), ...marks.flat())
  await redis.hset(keys.usage(workspace), `h:${meter}`, reserved)
  const events = Array.from({ length: SLICE_MAX }, (_, offset): SliceEvent => {
    const subjects = [`s${offset}`, `s${offset + 1}`]
    return {
      offset,
      workspace,
      occurredAt: START,
      appendedAt: START,
      dedupe: hasher({ workspace, source: 'test', id: `e${offset}` }),
      changes: [{ kind: 'members', meter, subjects, isStated: true }],
      reservation: null,
      isVoid: false,
    }
  })
  const upto = SLICE_MAX - 1
  const head = { keys, incarnation: '7', partition: 0, known: -1, upto, at: START, seen: null, nonce: 'n' }
  const startedAt = performance.now()
  const reply = await apply(redis, packSlice({ ...head, hasThresholds: false, events }))
  expect(performance.now() - startedAt).toBeLessThan(HELD_UP_MAX_MS)
  expect(reply).toMatchObject({ outcome: 'OK', counted: SLICE_MAX })
  expect(await redis.hget(keys.usage(workspace), `h:${meter}`)).toBe(String(reserved - 2))
  const members = (await redis.hkeys(keys.holds(workspace))).filter((field) => field.startsWith('='))
  expect(members.toSorted()).toEqual([`=${meter}~s499`, `=${meter}~s500`])
})
