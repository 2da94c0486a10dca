import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { DAY_MS, HOUR_MS, type Instant, SECOND_MS } from '../instant.ts'
import { type Judgement, NOT_JUDGED } from '../notices/judgement.ts'
import type { Notice } from '../notices/notice.ts'
import type { CounterReading } from '../ports.ts'
import { type JudgeDeps, judgeWorkspace } from './judge-workspace.ts'
import { unhurried } from './read-workspace.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const { catalogue } = parsed
const START = Date.parse('2026-11-23T12:00:00Z')

/** A workspace on base with 2,500 leads, its stores in memory, and a crash wherever one is asked for. */
class World {
  now: Instant = START
  leads = 0
  /** Other fields of the counters. */
  fields: Readonly<Record<string, string>> = {}
  /** Append time of use that was not judged; null for none. */
  usedAt: Instant | null = null
  /** Since when an event was appended that is not counted yet; null for none. */
  behindSince: Instant | null = null
  subscription = subscription
  readonly judgements: Judgement[] = []
  readonly published: Notice[] = []
  readonly logged = new Set<string>()
  /** Calls that still succeed before the process ends. */
  callsLeft = Number.POSITIVE_INFINITY

  get deps(): JudgeDeps {
    return {
      counters: { read: async () => this.#reading() },
      facts: {
        current: () => this.#facts(),
        load: async () => this.#facts(),
        refresh: async () => this.#facts(),
        remembered: () => this.#facts(),
      },
      catalogue: { load: async () => catalogue, remembered: () => catalogue },
      now: () => this.now,
      inTime: unhurried,
      judgements: {
        read: async (_, number) => this.judgements[number - 1] ?? NOT_JUDGED,
        append: async (_, number, judgement) => {
          this.#call()
          if (this.judgements.length >= number) return false
          this.judgements.push(judgement)
          return true
        },
      },
      notices: {
        settle: async (notices) => {
          for (const notice of notices) {
            if (this.logged.has(notice.id)) continue
            this.#call()
            this.published.push(notice)
            this.#call()
            this.logged.add(notice.id)
          }
        },
      },
    }
  }

  async judge(): Promise<void> {
    this.#remembered = null
    await judgeWorkspace(this.deps, 'acme')
  }

  #remembered: WorkspaceFacts | null = null

  #call(): void {
    this.callsLeft -= 1
    if (this.callsLeft < 0) throw new Error('the process ended')
  }

  /** The same object while nothing was stored, as a cache gives it. */
  #facts(): WorkspaceFacts {
    const revision = `1.0.${this.judgements.length}`
    if (this.#remembered?.revision === revision) return this.#remembered
    this.#remembered = {
      revision,
      subscription: this.subscription,
      overrides: {},
      crossings: this.judgements.at(-1)?.crossings ?? {},
    }
    return this.#remembered
  }

  #reading(): CounterReading {
    return {
      state: 'ready',
      factsRevision: `1.0.${this.judgements.length}`,
      catalogueRevision: 1,
      asOf: this.behindSince ?? this.now,
      lagMs: this.now - (this.behindSince ?? this.now),
      exact: this.behindSince === null,
      now: this.now,
      isKnown: true,
      fields: { leads: String(this.leads), ...this.fields },
      sizes: {},
      membership: {},
      heldSubjects: {},
      unjudged: {
        kept: '',
        changes: this.usedAt === null ? [] : [{ of: 'use', at: this.usedAt, before: null }],
      },
    }
  }
}

const subscription: WorkspaceFacts['subscription'] = {
  subscriptionId: 's1',
  status: 'active',
  plan: 'base',
  planSince: START - DAY_MS,
  seats: 1,
  termMonths: 6,
  periodStart: START - DAY_MS,
  periodEnd: START + 180 * DAY_MS,
  anchorDay: 5,
  autoRenew: true,
  cancelAtPeriodEnd: false,
  country: 'US',
  currency: 'USD',
  paymentMethod: 'card',
  addOns: [],
  version: 1,
  occurredAt: START - DAY_MS,
  openOrder: null,
  windowStartsAt: null,
}

test('L1: judged twice, a crossing is one judgement and one id', async () => {
  const world = new World()
  world.leads = 2_000
  await world.judge()
  await world.judge()
  expect(world.published.map(({ id, type, threshold }) => [id, type, threshold])).toEqual([
    ['acme/leads/1', 'threshold_crossed', 80],
  ])
  expect(world.judgements).toHaveLength(1)
})

test('nextAt names the end of the grace, then the next date of the subscription', async () => {
  const world = new World()
  world.leads = 2_500
  world.usedAt = START - HOUR_MS
  const first = await judgeWorkspace(world.deps, 'acme')
  expect(first).toMatchObject({ outcome: 'changed', nextAt: START + 23 * HOUR_MS, shares: { leads: 100 } })
  world.now = START + 23 * HOUR_MS
  const second = await judgeWorkspace(world.deps, 'acme')
  expect(world.published.at(-1)).toMatchObject({ type: 'grace_ended', occurredAt: START + 23 * HOUR_MS })
  expect(second.nextAt).toBeGreaterThan(world.now)
})

test('L1: a crossing of which nobody knows since when begins its grace with the look that finds it', async () => {
  const world = new World()
  world.leads = 2_500
  await judgeWorkspace(world.deps, 'acme')
  expect(world.judgements.at(-1)?.crossings).toEqual({ leads: { since: START } })
})

describe('a window that began inside a day, after 700 credits of that day', () => {
  const startsAt = START - HOUR_MS
  const whole = { 'ai_credits:20261123': '700' }
  const split = { ...whole, 'ai_credits:20261123:b': `${startsAt}|700` }
  const bought = { ...Object(subscription), anchorDay: 23, windowStartsAt: startsAt }
  const told = ({ published }: World): readonly unknown[] =>
    published.map(({ feature, threshold }) => [feature, threshold])

  test.for([
    ['counting is behind', { behindSince: START - 2_000 }],
    ['it began a moment ago', { behindSince: startsAt, now: startsAt + 500 }],
  ] as const)(
    'nothing of it is told as use of the new allowance while the start is not counted: %s',
    async ([, is]) => {
      const world = Object.assign(new World(), { subscription: bought, fields: whole, leads: 2_000, ...is })
      const { nextAt } = await judgeWorkspace(world.deps, 'acme')
      expect(told(world), 'the rest is').toEqual([['leads', 80]])
      expect(nextAt).toBe(world.now + SECOND_MS)
      Object.assign(world, { fields: split, behindSince: null, now: START })
      await world.judge()
      expect(told(world)).toEqual([['leads', 80]])
      world.fields = { ...split, 'ai_credits:20261123': '1400' }
      await world.judge()
      expect(told(world)).toEqual([
        ['leads', 80],
        ['ai_credits', 80],
      ])
    },
  )

  test('a day whose start of a window never came counts whole', async () => {
    const world = Object.assign(new World(), { subscription: bought, fields: whole })
    await world.judge()
    expect(told(world)).toEqual([['ai_credits', 80]])
  })
})

test('a crash anywhere between judging, publishing and logging changes no id and loses no notice', async () => {
  const step = fc.record({
    leads: fc.integer({ min: 0, max: 3_000 }),
    hours: fc.integer({ min: 0, max: 30 }),
  })
  const histories = fc.array(step, { minLength: 1, maxLength: 6 })
  const crashes = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(histories, crashes, async (steps, calls) => {
      const calm = await play(steps, [])
      const stormy = await play(steps, calls)
      expect([...stormy.logged]).toEqual([...calm.logged])
      expect(new Set(stormy.published.map(textOf))).toEqual(new Set(calm.published.map(textOf)))
      expect(calm.published.length, 'without a crash every notice is sent once').toBe(calm.logged.size)
    }),
  )
})

/** Everything but the time at which a recovery was seen. */
function textOf({ occurredAt: _, ...notice }: Notice): string {
  return JSON.stringify(notice)
}

interface Step {
  readonly leads: number
  readonly hours: number
}

/** Judges every step, again and again after each crash, until it is through. */
async function play(steps: readonly Step[], crashes: readonly number[]): Promise<World> {
  const world = new World()
  const left = [...crashes]
  for (const { leads, hours } of steps) {
    world.leads = leads
    world.now += hours * HOUR_MS
    for (let isThrough = false; !isThrough; ) {
      world.callsLeft = left.shift() ?? Number.POSITIVE_INFINITY
      isThrough = await world.judge().then(
        () => true,
        () => false,
      )
    }
  }
  return world
}
