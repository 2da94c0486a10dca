import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WHEN_JUDGED } from '#core/entitlement/facts.ts'
import { dayOf } from '#core/instant.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { apply } from '#drivers/redis/apply.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { forgetStamp, putFacts } from '#drivers/redis/shard-scripts.ts'
import { parseUnjudged } from '#drivers/redis/unjudged-changes.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'

/** A shard that no process of this run uses. */
const keys = shardKeys(99)
let redis: Awaited<ReturnType<typeof connectRedis>>
beforeAll(async () => {
  redis = await connectRedis({ url: engineAddresses().redis, commandTimeoutMs: 5_000 })
  await redis.hset(keys.meta, 'inc', '1')
})
afterAll(() => redis.quit())

function put(workspace: string, revision: string, since: number | null): Promise<string> {
  return putFacts(redis, { keys, workspace, revision, facts: '{}', nonce: randomUUID(), since })
}

/** What changed and was not judged, in order: the time of use with what was held before it, `*` and that of facts. */
async function unjudged(workspace: string): Promise<readonly string[]> {
  const { changes } = parseUnjudged(await stampOf(workspace))
  return changes.map(({ of, at, before }) => {
    const held = Object.entries(before ?? {}).map(([field, value]) => ` ${field}=${value}`)
    return `${of === 'facts' ? '*' : ''}${at}${held.join('')}`
  })
}

async function stampOf(workspace: string): Promise<string> {
  return (await redis.hget(keys.judge, workspace)) ?? ''
}

/** Counts leads, one event per append time. */
function raise(workspace: string, ...appendTimes: readonly number[]): Promise<void> {
  return count(
    workspace,
    appendTimes.map((at) => [at, added('leads')]),
  )
}

function added(meter: string): CounterChange {
  return { kind: 'add', meter, units: 1 }
}

/** Counts one event per append time; `upToWhen`: Kafka's time of the last of them, 0 where it is not known. */
async function count(
  workspace: string,
  times: readonly (readonly [at: number, change: CounterChange])[],
  upToWhen: number = Date.now(),
): Promise<void> {
  const known = Number((await redis.hget(keys.meta, 'wm:0')) ?? -1)
  const events = times.map(([appendedAt, change], index) => ({
    offset: known + 1 + index,
    workspace,
    occurredAt: appendedAt,
    appendedAt,
    dedupe: { member: randomUUID(), subShard: 0 },
    changes: [change],
    reservation: null,
    isVoid: false,
  }))
  const upto = known + events.length
  const { outcome } = await apply(
    redis,
    packSlice({
      keys,
      incarnation: '1',
      partition: 0,
      known,
      upto,
      at: upToWhen,
      seen: null,
      hasThresholds: false,
      nonce: randomUUID(),
      events,
    }),
  )
  expect(outcome).toBe('OK')
}

/** Judges: what was read is forgotten at the end, `meanwhile` comes before that. */
async function look(workspace: string, meanwhile: () => Promise<unknown> = async () => {}): Promise<string> {
  const value = await stampOf(workspace)
  await meanwhile()
  return forgetStamp(redis, { hash: keys.judge, workspace, value })
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('judge: use of about one time is one change, and use of another time says what was held before it', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await raise(workspace, 9 * DAY, 9 * DAY + 1_000)
  expect(await unjudged(workspace)).toEqual([`${9 * DAY}`])
  await raise(workspace, 2 * DAY, 2 * DAY + 1_000)
  await raise(workspace, 9 * DAY + 1_001)
  expect(await unjudged(workspace)).toEqual([
    `${9 * DAY}`,
    `${2 * DAY} leads=2`,
    `${9 * DAY + 1_001} leads=4`,
  ])
  expect(await look(workspace)).toBe('OK')
  await raise(workspace, 8_000)
  expect(await unjudged(workspace)).toEqual(['8000'])
})

test('judge: what was read is forgotten, and what came since is kept', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await raise(workspace, DAY)
  expect(await look(workspace, () => raise(workspace, DAY))).toBe('TOUCHED')
  expect(await unjudged(workspace), 'more of that time came').toEqual([`${DAY}`])
  expect(await look(workspace, () => raise(workspace, 8 * DAY))).toBe('TOUCHED')
  expect(await unjudged(workspace)).toEqual([`${DAY}`, `${8 * DAY} leads=2`])
  expect(await look(workspace, () => put(workspace, '2.0.1', 9 * DAY))).toBe('TOUCHED')
  expect(await unjudged(workspace)).toEqual([`${8 * DAY}`, `*${9 * DAY}`])
  expect(await look(workspace, () => raise(workspace, 9 * DAY, 9 * DAY + 500))).toBe('TOUCHED')
  expect(await unjudged(workspace)).toEqual([`${9 * DAY} leads=3`])
  expect(await look(workspace)).toBe('OK')
  expect(await stampOf(workspace)).toBe('')
})

test('judge: while counting is behind, about one time is a tenth of the lag', async () => {
  const at = [DAY, DAY + 9_000, DAY + 15_000].map((time) => [time, added('leads')] as const)
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await count(workspace, at, Date.now() - 100_000)
  expect(await unjudged(workspace)).toEqual([`${DAY}`, `${DAY + 15_000} leads=2`])
  const other = `w-${randomUUID().slice(0, 8)}`
  await count(other, at, 0)
  expect(await unjudged(other), 'not known how far behind: a second').toHaveLength(3)
})

test('judge: use of a day in which a window began names what belonged to the window before', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  const day = dayOf(DAY)
  const used = { kind: 'flow', meter: 'ai_credits', day, units: 5, occurredAt: DAY } as const
  await count(workspace, [
    [DAY, used],
    [9 * DAY, used],
    [9 * DAY, { kind: 'split', meter: 'ai_credits', day, startsAt: DAY + HOUR }],
    [DAY, used],
  ])
  await count(workspace, [[9 * DAY, used]])
  const begins = DAY + HOUR
  expect(await unjudged(workspace)).toEqual([
    `${DAY}`,
    `${9 * DAY} ai_credits:19700102=5 ai_credits:19700102:b=`,
    `${DAY} ai_credits:19700102=10 ai_credits:19700102:b=${begins}|10`,
    `${9 * DAY} ai_credits:19700102=15 ai_credits:19700102:b=${begins}|15`,
  ])
})

test('judge: where changes take more than 600 bytes, neighbours that are nearest in time are one', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  const hours = Array.from({ length: 29 }, (_, hour) => 9 * DAY + hour * HOUR)
  await raise(workspace, 5 * DAY, 5 * DAY + 2_000, ...hours)
  const names = hours.map((at, hour) => `${at} leads=${hour + 2}`)
  expect(await unjudged(workspace)).toEqual([`${5 * DAY}`, `${5 * DAY + 2_000} leads=1`, ...names])
  await count(workspace, [
    [5 * DAY, added('contacts')],
    [5 * DAY + 1_500, added('leads')],
    [DAY, added('contacts')],
  ])
  const merged = await unjudged(workspace)
  expect(merged.length, 'half of it is made').toBeLessThan(20)
  expect(merged.at(0), 'the first one names nothing').toBe(`${5 * DAY}`)
  expect(merged.slice(-2), 'what both of them altered is named').toEqual([
    `${5 * DAY} contacts=0 leads=31`,
    `${DAY} contacts=1`,
  ])
  const kept = hours.filter((_, hour) => merged.includes(names[hour] ?? ''))
  const gaps = kept.slice(1).map((at, index) => at - (kept[index] ?? 0))
  expect(Math.max(...gaps), 'no part of the time is left out').toBeLessThanOrEqual(4 * HOUR)
})

test('judge: what only lowers a meter asks to be judged and dates nothing', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  await redis.hset(keys.judge, workspace, '1||')
  expect(await forgetStamp(redis, { hash: keys.judge, workspace, value: '0||' })).toBe('TOUCHED')
  expect(await unjudged(workspace)).toEqual([])
})

test('facts: a change that somebody else read on the way is judged all the same, from when it counts', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  expect(await put(workspace, '2.0.1', null)).toBe('STORED')
  expect(await stampOf(workspace)).toBe('')
  expect(await put(workspace, '2.0.1', 1_000)).toBe('SAME')
  expect(await unjudged(workspace)).toEqual(['*1000'])
  await put(workspace, '3.0.1', 9_000)
  await put(workspace, '4.0.1', 5_000)
  expect(await unjudged(workspace), 'one after another are one, from the latest').toEqual(['*9000'])
})

test('facts: what is read again asks to be judged and dates nothing', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  expect(await put(workspace, '2.0.1', WHEN_JUDGED)).toBe('SAME')
  expect(await stampOf(workspace)).not.toBe('')
  await raise(workspace, 8_000)
  await put(workspace, '2.0.1', WHEN_JUDGED)
  expect(await unjudged(workspace)).toEqual(['8000'])
})

test('facts: older ones change nothing, mixed ones ask for a new reading', async () => {
  const workspace = `w-${randomUUID().slice(0, 8)}`
  await put(workspace, '2.0.1', null)
  expect(await put(workspace, '1.0.1', 1_000)).toBe('OLDER')
  expect(await put(workspace, '3.0.0', 1_000)).toBe('MIXED')
  expect(await stampOf(workspace)).toBe('')
  expect(await redis.hget(keys.usage(workspace), 'rev')).toBe('2.0.1')
})
