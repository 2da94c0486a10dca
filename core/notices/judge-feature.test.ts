import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Amount } from '../amount.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Crossing } from '../entitlement/facts.ts'
import { HOUR_MS } from '../instant.ts'
import { type JudgedFeature, judgeFeature } from './judge-feature.ts'
import { type FeatureTold, NOTHING_TOLD_OF_FEATURE, type Notice } from './notice.ts'

const START = Date.parse('2026-11-23T12:00:00Z')
const LIMIT = 100

const leads: Feature = {
  kind: 'stock',
  mode: 'enforce',
  meters: ['leads'],
  graceHours: 24,
  rearmBelowPercent: 100,
  thresholds: [80, 100],
  lapse: 'block_new',
  onUnavailable: 'allow',
}

interface Seen {
  readonly used: number
  /** Hours after the start. */
  readonly hour: number
  readonly limit?: number | null
  readonly access?: Entitlement['access']
  readonly windowFrom?: number
  readonly feature?: Partial<Feature>
}

function entitlementOf({ limit = LIMIT, access = 'active', windowFrom, feature }: Seen): Entitlement {
  return {
    workspace: 'acme',
    featureKey: 'leads',
    feature: { ...leads, ...feature },
    access,
    status: 'active',
    plan: 'base',
    planVersion: '2020-01-01',
    seats: 1,
    on: true,
    limit: limit as Amount | null,
    source: 'plan',
    window:
      windowFrom === undefined ? null : { from: windowFrom, to: windowFrom + 1, days: [], splitDay: null },
    resetsAt: null,
    currency: 'USD',
    isOffByOverride: false,
    openOrderId: null,
    resolvedAt: START,
    validUntil: Number.POSITIVE_INFINITY,
    trace: [],
  }
}

/** Judges one after another, as the judge does. */
function judgeEach(seen: readonly Seen[]): readonly JudgedFeature[] {
  let told: FeatureTold = NOTHING_TOLD_OF_FEATURE
  let crossing: Crossing | null = null
  return seen.map((one) => {
    const now = START + one.hour * HOUR_MS
    const [entitlement, used] = [entitlementOf(one), one.used as Amount]
    const judged = judgeFeature({ entitlement, used, crossing, told, now, reachedAt: () => now })
    ;({ told, crossing } = judged)
    return judged
  })
}

/** Everything that was told. */
function judgeAll(seen: readonly Seen[]): readonly Notice[] {
  return judgeEach(seen).flatMap(({ notices }) => notices)
}

/** `type percent` of each notice. */
function words(notices: readonly Notice[]): readonly string[] {
  return notices.map(({ type, threshold }) => (threshold === null ? type : `${type} ${threshold}`))
}

describe('L1: 80 %, 100 %, grace and its end are told once each, in order', () => {
  test('a climb to the limit and a day past it', () => {
    const notices = judgeAll([
      { used: 79, hour: 0 },
      { used: 80, hour: 1 },
      { used: 99, hour: 2 },
      { used: 100, hour: 3 },
      { used: 100, hour: 26 },
      { used: 100, hour: 27 },
      { used: 100, hour: 40 },
    ])
    expect(notices.map(({ id }) => id)).toEqual([
      'acme/leads/1',
      'acme/leads/2',
      'acme/leads/3',
      'acme/leads/4',
    ])
    expect(words(notices)).toEqual([
      'threshold_crossed 80',
      'threshold_crossed 100',
      'grace_started',
      'grace_ended',
    ])
    expect(notices.at(-1)).toMatchObject({ occurredAt: START + 27 * HOUR_MS, used: 100, limit: 100 })
  })

  test('falling below tells the recovery, highest first, and re-arms the grace', () => {
    const notices = judgeAll([
      { used: 120, hour: 0 },
      { used: 10, hour: 1 },
      { used: 100, hour: 2 },
    ])
    expect(words(notices).slice(3)).toEqual([
      'threshold_recovered 100',
      'threshold_recovered 80',
      'threshold_crossed 80',
      'threshold_crossed 100',
      'grace_started',
    ])
    expect(notices.at(-1)?.occurredAt).toBe(START + 2 * HOUR_MS)
  })

  test('rearmBelowPercent: use that swings at the limit is told once', () => {
    const feature = { rearmBelowPercent: 90 }
    const swinging = [100, 95, 100, 91, 100].map((used, hour) => ({ used, hour, feature }))
    expect(words(judgeAll(swinging))).toEqual([
      'threshold_crossed 80',
      'threshold_crossed 100',
      'grace_started',
    ])
  })
})

test('L2: a hard limit has thresholds and no grace', () => {
  const feature = { graceHours: 0 }
  const notices = judgeAll([{ used: 100, hour: 0, feature }])
  expect(words(notices)).toEqual(['threshold_crossed 80', 'threshold_crossed 100'])
})

test('a higher limit recovers, an unlimited one too', () => {
  const recovered = ['threshold_recovered 100', 'threshold_recovered 80']
  for (const limit of [1_000, null]) {
    const notices = judgeAll([
      { used: 100, hour: 0 },
      { used: 100, hour: 1, limit },
    ])
    expect(words(notices).slice(3)).toEqual(recovered)
  }
})

test('shadow mode tells nobody; enforced, it tells what stands, and the grace begins then', () => {
  const shadow = { feature: { mode: 'shadow' } as const }
  const notices = judgeAll([
    { ...shadow, used: 120, hour: 0 },
    { ...shadow, used: 120, hour: 48 },
    { used: 120, hour: 49 },
    { used: 120, hour: 73 },
  ])
  expect(words(notices)).toEqual([
    'threshold_crossed 80',
    'threshold_crossed 100',
    'grace_started',
    'grace_ended',
  ])
  expect(notices.slice(2).map(({ occurredAt }) => (occurredAt - START) / HOUR_MS)).toEqual([49, 73])
})

test('shadow mode leaves a grace that was told as it is', () => {
  const notices = judgeAll([
    { used: 100, hour: 0 },
    { feature: { mode: 'shadow' }, used: 100, hour: 30 },
    { used: 100, hour: 31 },
  ])
  expect(words(notices).slice(2)).toEqual(['grace_started', 'grace_ended'])
  expect(notices.at(-1)?.occurredAt).toBe(START + 24 * HOUR_MS)
})

test('a limit of 0 and nothing used is a feature that is not sold: nothing is told', () => {
  expect(judgeAll([{ used: 0, hour: 0, limit: 0 }])).toEqual([])
  expect(words(judgeAll([{ used: 3, hour: 0, limit: 0 }]))).toEqual([
    'threshold_crossed 80',
    'threshold_crossed 100',
  ])
})

test('a new window forgets the thresholds of the one before without a word', () => {
  const flow = { feature: { kind: 'flow', graceHours: 0 } as const }
  const notices = judgeAll([
    { ...flow, used: 90, hour: 0, windowFrom: START },
    { ...flow, used: 10, hour: 800, windowFrom: START + 1 },
    { ...flow, used: 85, hour: 801, windowFrom: START + 1 },
  ])
  expect(words(notices)).toEqual(['threshold_crossed 80', 'threshold_crossed 80'])
})

test('while access has ended limits say nothing', () => {
  expect(judgeAll([{ used: 100, hour: 0, access: 'lapsed' }])).toEqual([])
})

describe('a limit with grace while access has ended', () => {
  const lapsed = { access: 'lapsed' } as const
  const open = { ...lapsed, feature: { lapse: 'allow' } as const }
  /** Since when the crossings stand, and when a grace ends next, in hours. */
  const hoursOf = (seen: readonly Seen[]): readonly (readonly [number | null, number | null])[] => {
    const hour = (at: number | null): number | null => (at === null ? null : (at - START) / HOUR_MS)
    return judgeEach(seen).map(({ crossing, nextAt }) => [hour(crossing?.since ?? null), hour(nextAt)])
  }

  test('S16, L1: where adding goes on, the grace begins with the first use at the limit, and ends', () => {
    const used = [99, 100, 120, 150, 90, 100]
    const hours = [0, 1, 24, 25, 26, 27]
    const seen = used.map((units, index) => ({ ...open, used: units, hour: hours[index] ?? 0 }))
    expect(hoursOf(seen)).toEqual([
      [null, null],
      [1, 25],
      [1, 25],
      [1, null],
      [null, null],
      [27, 51],
    ])
  })
  test('S16, L1: nothing is told meanwhile, and all of it once access is back', () => {
    const climb = [100, 120].map((used, index) => ({ ...open, used, hour: 30 * index }))
    expect(judgeAll(climb)).toEqual([])
    const back = judgeAll([...climb, { used: 120, hour: 31 }])
    expect(words(back)).toEqual([
      'threshold_crossed 80',
      'threshold_crossed 100',
      'grace_started',
      'grace_ended',
    ])
    expect(back.slice(2).map(({ occurredAt }) => (occurredAt - START) / HOUR_MS)).toEqual([0, 24])
  })
  test('L1: where nothing may be added no grace begins, and one that runs goes on', () => {
    expect(hoursOf([{ ...lapsed, used: 120, hour: 0 }])).toEqual([[null, null]])
    const running = [
      { used: 100, hour: 0 },
      { ...lapsed, used: 100, hour: 1 },
      { used: 100, hour: 25 },
    ]
    expect(hoursOf(running).map(([since]) => since)).toEqual([0, 0, 0])
    expect(words(judgeAll(running)).slice(2)).toEqual(['grace_started', 'grace_ended'])
  })
  test.for([
    ['block_new', lapsed],
    ['allow', open],
  ] as const)('L1: use that falls below the limit re-arms the grace: lapse mode %s', ([, ended]) => {
    const seen = [
      { used: 100, hour: 0 },
      { ...ended, used: 90, hour: 30 },
      { ...ended, used: 100, hour: 31 },
      { used: 100, hour: 32 },
    ]
    const since = ended === open ? 31 : 32
    expect(hoursOf(seen).map(([at]) => at)).toEqual([0, null, ended === open ? 31 : null, since])
    const notices = judgeAll(seen)
    expect(words(notices).slice(2)).toEqual(['grace_started', 'grace_started'])
    expect(notices.at(-1)?.occurredAt).toBe(START + since * HOUR_MS)
  })
  test('a subscription that was never paid, or none, leaves a crossing as it is', () => {
    for (const access of ['pending', 'none'] as const) {
      const ended = { access, limit: 0, used: 1, hour: 1 }
      expect(hoursOf([{ used: 100, hour: 0 }, ended])[1]?.[0]).toBe(0)
    }
  })
})

describe('the same use gives the same notices under the same ids', () => {
  const uses = fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 20 })

  test('judged late: only rising use, seen at any of its steps and at its end', () => {
    fc.assert(
      fc.property(uses, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), (values, isSeen) => {
        const steps = values.toSorted((a, b) => a - b).map((used, hour) => ({ used, hour }))
        const used = steps.at(-1)?.used ?? 0
        const ends = [20, 200].map((hour) => ({ used, hour }))
        const often = judgeAll([...steps, ...ends])
        const seldom = judgeAll([...steps.filter((_, index) => isSeen[index] === true), ...ends])
        expect(seldom.map(({ id, type, threshold }) => [id, type, threshold])).toEqual(
          often.map(({ id, type, threshold }) => [id, type, threshold]),
        )
      }),
    )
  })

  test('judged twice at every step: nothing is told again, and no id stands for two things', () => {
    fc.assert(
      fc.property(uses, (values) => {
        const steps = values.map((used, hour) => ({ used, hour: hour * 7 }))
        const once = judgeAll(steps)
        expect(judgeAll(steps.flatMap((step) => [step, step]))).toEqual(once)
        expect(new Set(once.map(({ id }) => id)).size).toBe(once.length)
      }),
    )
  })
})
