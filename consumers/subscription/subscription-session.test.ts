import { expect, test } from 'vitest'
import { WHEN_JUDGED } from '#core/entitlement/facts.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/instant.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { faultOfTime } from '#core/usage/append-time.ts'
import { defaultCatalogue, START } from '#test/helpers/facts.ts'
import { versionsAfter } from '#test/helpers/versions.ts'
import {
  SubscriptionSession,
  type SubscriptionSessionDeps,
  type WindowStart,
} from './subscription-session.ts'

/** A record as Kafka appended it, perhaps with the time at which it says that it was appended before. */
interface Appended {
  readonly event: SubscriptionEvent
  readonly at: number
  readonly restated?: number
  /** What stands there instead of the event. */
  readonly value?: string
}

interface Taking {
  readonly trusts?: boolean
  /** Versions in the order of their arrival. */
  readonly stored?: SubscriptionEvent[]
  readonly now?: number
}

/**
 * What a session made of records: the versions there are then, its letters, the windows whose start it told of, and
 * since when each change counts.
 */
async function taken(
  records: readonly Appended[],
  { trusts = true, stored = [], now = START }: Taking = {},
): Promise<{
  readonly stored: readonly number[]
  readonly letters: readonly string[]
  readonly starts: readonly WindowStart[]
  readonly since: readonly (number | null)[]
}> {
  const letters: string[] = []
  const starts: WindowStart[] = []
  const since: (number | null)[] = []
  const deps: SubscriptionSessionDeps = Object({
    decoder: {
      prepare: async () => undefined,
      decode: (value: Buffer) => ({ ok: true, value: JSON.parse(value.toString()) }),
    },
    source: {
      versions: async () => [...stored],
      appendVersion: async (_workspace: string, _place: number, event: SubscriptionEvent) =>
        stored.push(event),
    },
    facts: { refresh: async (_workspace: string, from: number | null) => since.push(from) },
    rules: { judging: async () => () => defaultCatalogue() },
    trustAppendTimeHeader: trusts,
    now: () => now,
    startWindow: async (start: WindowStart) => starts.push(start),
    deadLetter: async ({ code, reason }: { code: string; reason: string }) => {
      letters.push(`${code}: ${reason}`)
    },
    warn: () => undefined,
    retry: async (_what: string, call: () => Promise<unknown>) => call(),
  })
  const messages = records.map(({ event, at, restated, value = JSON.stringify(event) }, offset) => ({
    offset: String(offset),
    timestamp: String(at),
    key: Buffer.from(event.workspace),
    value: Buffer.from(value),
    headers: restated === undefined ? {} : { 'tallygate-append-time': Buffer.from(String(restated)) },
  }))
  const session = new SubscriptionSession(deps, { partition: 0, position: 0, appendedAt: null })
  await session.handle(Object({ messages, next: messages.length, heartbeat: async () => undefined }))
  return { stored: stored.map(({ version }) => version), letters, starts, since }
}

const [bought, upgraded] = versionsAfter({ type: 'upgraded', is: { plan: 'pro' } })
if (bought === undefined || upgraded === undefined) throw new Error('two versions')
const AHEAD = 5 * MINUTE_MS
/** When the upgrade is just not too far ahead. */
const edge = upgraded.occurredAt - AHEAD

test('a version that is dated more than 5 minutes ahead of its record is set aside whole, the next goes on', async () => {
  const { stored, letters } = await taken([
    { event: upgraded, at: edge - 1 },
    { event: bought, at: START },
  ])
  expect(stored).toEqual([1])
  expect(letters).toEqual([
    expect.stringMatching(/^from_the_future: occurredAt 2026-06-11T09:00:00.000Z is more/),
  ])
  expect(await taken([{ event: upgraded, at: edge }])).toMatchObject({ stored: [2], letters: [] })
})

test('a version that was dated ahead is taken under its own number once billing states when it happened', async () => {
  const corrected = { ...upgraded, occurredAt: edge - 1 }
  const { stored, letters } = await taken([
    { event: upgraded, at: edge - 1 },
    { event: corrected, at: edge - 1 },
  ])
  expect(stored).toEqual([2])
  expect(letters).toHaveLength(1)
})

test('what is ahead goes by the time that a record restates, where that is believed, as when it was read first', async () => {
  const record: Appended = { event: upgraded, at: edge + AHEAD, restated: edge - 1 }
  expect((await taken([record])).stored).toEqual([])
  expect((await taken([record], { trusts: false })).stored).toEqual([2])
  expect((await taken([{ ...record, restated: edge }])).stored).toEqual([2])
})

test('a version may be as late as it likes', async () => {
  expect(await taken([{ event: bought, at: START + 400 * DAY_MS }])).toMatchObject({
    stored: [1],
    letters: [],
  })
})

test('G12: a record on which the code itself fails is set aside, and the version behind it is taken', async () => {
  const { stored, letters } = await taken([
    { event: bought, at: START, value: 'no JSON' },
    { event: bought, at: START },
  ])
  expect(stored).toEqual([1])
  expect(letters).toEqual([expect.stringMatching(/^undecodable: .*a fault of this version: SyntaxError/)])
})

/** Two changes of the anchor, so that each of three versions begins a window inside a day, with when each was appended. */
const anchored = versionsAfter(
  { actor: 'support', is: { anchorDay: 20 } },
  { actor: 'support', is: { anchorDay: 22 } },
).map((event) => ({ event, at: event.occurredAt + MINUTE_MS }))
const later = anchored.at(-1)
if (later === undefined) throw new Error('three versions')

test('versions that are read again tell of the window that each began, none of one that began after it', async () => {
  const stored: SubscriptionEvent[] = []
  const first = await taken(anchored, { stored })
  expect(first.starts.map(({ version }) => version)).toEqual([1, 2, 3])
  const again = await taken(anchored, { stored, now: START + 100 * DAY_MS })
  expect(again.starts).toEqual(first.starts)
  for (const { startsAt, appendedAt } of again.starts)
    expect(faultOfTime(startsAt, { at: appendedAt, restated: true })).toBeNull()
})

test('a version that comes late tells of the windows of later ones once more, at no time before they began', async () => {
  const [, second, third] = anchored
  if (second === undefined || third === undefined) throw new Error('three versions')
  const redriven = { ...second, at: third.at + HOUR_MS, restated: second.at }
  const { starts } = await taken([...anchored.filter((record) => record !== second), redriven])
  expect(starts.map(({ version, appendedAt }) => [version, appendedAt])).toEqual([
    [1, START + MINUTE_MS],
    [3, third.at],
    [2, second.at],
    [3, third.event.occurredAt],
  ])
})

test('where no append time is believed but Kafka’s, windows that began more than 48 hours ago are told of no more', async () => {
  const options = { trusts: false, now: later.at }
  const stored: SubscriptionEvent[] = []
  const first = await taken(anchored, { ...options, stored })
  expect(first.starts.map(({ version }) => version)).toEqual([2, 3])
  expect((await taken(anchored, { ...options, stored, now: later.at + 48 * HOUR_MS })).starts).toEqual([])
})

test('L1: a version that is read again dates no crossing back: what it finds counts from when it is judged', async () => {
  const stored: SubscriptionEvent[] = []
  const happened = anchored.map(({ event }) => event.occurredAt)
  expect((await taken(anchored, { stored })).since).toEqual(happened)
  expect((await taken(anchored, { stored })).since).toEqual(happened.map(() => WHEN_JUDGED))
})
