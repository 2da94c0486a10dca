import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS, toIso } from '../instant.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { type AccessTold, judgeAccess } from './judge-access.ts'
import { NOTHING_TOLD, type Notice } from './notice.ts'

const END = Date.parse('2027-04-05T09:00:00Z')
const rules = { processingWindowMinutes: 15 }

function paid(change: Partial<AcceptedSubscription> = {}): AcceptedSubscription {
  return {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: END - 180 * DAY_MS,
    seats: 2,
    termMonths: 6,
    periodStart: END - 180 * DAY_MS,
    periodEnd: END,
    anchorDay: 5,
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
    version: 1,
    occurredAt: END - 180 * DAY_MS,
    openOrder: null,
    windowStartsAt: null,
    ...change,
  }
}

interface Sweep {
  readonly at: number
  readonly subscription?: AcceptedSubscription
}

/** Sweeps one after another, remembering what was told. */
function sweep(sweeps: readonly Sweep[], before: AccessTold = NOTHING_TOLD): readonly Notice[] {
  let told = before
  return sweeps.flatMap(({ at, subscription = paid() }) => {
    const judged = judgeAccess({ workspace: 'acme', subscription, rules, told, now: at })
    told = judged.told
    return judged.notices
  })
}

function typesOf(notices: readonly Notice[]): readonly string[] {
  return notices.map(({ type, occurredAt }) => `${type} ${toIso(occurredAt)}`)
}

describe('S17: reminder 9 days before the end, renewal due 3 days before, once each', () => {
  test('each comes with its day and not a millisecond sooner', () => {
    const times = [END - 9 * DAY_MS - 1, END - 9 * DAY_MS, END - 3 * DAY_MS - 1, END - 3 * DAY_MS, END - 1]
    const notices = sweep(times.map((at) => ({ at })))
    expect(notices.map(({ id }) => id)).toEqual([`acme/renewal_reminder/${END}`, `acme/renewal_due/${END}`])
    expect(typesOf(notices)).toEqual([
      'renewal_reminder 2027-03-27T09:00:00.000Z',
      'renewal_due 2027-04-02T09:00:00.000Z',
    ])
  })

  test('started late: both are sent while the period runs, none after it', () => {
    expect(sweep([{ at: END - 1 }]).map(({ type }) => type)).toEqual(['renewal_reminder', 'renewal_due'])
    expect(sweep([{ at: END }]).map(({ type }) => type)).toEqual(['lapsed'])
  })

  test.for([
    ['cancelling', { cancelAtPeriodEnd: true }, []],
    ['not renewed by itself', { autoRenew: false }, ['renewal_reminder']],
    ['a trial', { status: 'trialing' }, []],
    ['never paid', { status: 'payment_pending' }, []],
  ] as const)('%s', ([, change, wanted]) => {
    const notices = sweep([{ at: END - 1, subscription: paid(change) }])
    expect(notices.map(({ type }) => type)).toEqual(wanted)
  })

  test('a renewed period is reminded of anew, under its own id', () => {
    const next = paid({ periodEnd: END + 180 * DAY_MS })
    const notices = sweep([
      { at: END - 5 * DAY_MS },
      { at: END - 2 * DAY_MS, subscription: next },
      { at: END + 172 * DAY_MS, subscription: next },
    ])
    expect(notices.map(({ id }) => id)).toEqual([
      `acme/renewal_reminder/${END}`,
      `acme/renewal_reminder/${END + 180 * DAY_MS}`,
    ])
  })
})

describe('S16: lapsed and restored are told in pairs', () => {
  const next = paid({ periodEnd: END + 180 * DAY_MS, occurredAt: END + HOUR_MS })
  const lapsed = paid({ autoRenew: false })

  test('access that ends and comes back', () => {
    const notices = sweep([
      { at: END, subscription: lapsed },
      { at: END + 1, subscription: lapsed },
      { at: END + HOUR_MS, subscription: next },
      { at: END + 2 * HOUR_MS, subscription: next },
    ])
    expect(notices.map(({ id }) => id)).toEqual([`acme/lapsed/${END}`, `acme/restored/${END}`])
    expect(notices.map(({ occurredAt }) => occurredAt)).toEqual([END, END + HOUR_MS])
  })

  test('S1: no lapse is told inside the processing window', () => {
    const order = { orderId: 'o', kind: 'renewal', status: 'pending' } as const
    const attempt = { state: 'processing', at: END - MINUTE_MS, reason: null } as const
    const openOrder = { ...order, attempt, amountMinor: 1, currency: 'USD', method: 'card' } as const
    const paying = paid({
      openOrder: { ...openOrder, installments: 1, placedAt: END - DAY_MS, paidAt: null },
    })
    const later = END + 14 * MINUTE_MS
    expect(typesOf(sweep([{ at: END, subscription: paying }]))).toEqual([])
    expect(sweep([{ at: later, subscription: paying }]).map(({ id }) => id)).toEqual([`acme/lapsed/${later}`])
  })

  test('a lapse that began and ended between two sweeps is not told at all', () => {
    expect(sweep([{ at: END - 30 * DAY_MS }, { at: END + HOUR_MS, subscription: next }])).toEqual([])
  })
})

describe('S16: access that came back and ends again at an instant that was told', () => {
  const lapsed = paid({ cancelAtPeriodEnd: true })
  const restored = paid({ cancelAtPeriodEnd: true, periodEnd: END + HOUR_MS, occurredAt: END + MINUTE_MS })
  const again = paid({ cancelAtPeriodEnd: true, occurredAt: END + 5 * MINUTE_MS })
  const late = { ...again, periodEnd: END + HOUR_MS }
  const isEnded = [
    { at: END, subscription: lapsed },
    { at: END + 2 * MINUTE_MS, subscription: restored },
    { at: END + 5 * MINUTE_MS, subscription: again },
  ]

  test('the second lapse and the return from it have ids of their own, and their own time', () => {
    const notices = sweep([...isEnded, { at: END + 6 * MINUTE_MS, subscription: late }])
    expect(notices.map(({ id, occurredAt }) => [id, (occurredAt - END) / MINUTE_MS])).toEqual([
      [`acme/lapsed/${END}`, 0],
      [`acme/restored/${END}`, 1],
      [`acme/lapsed/${END}/2`, 5],
      [`acme/restored/${END}/2`, 5],
    ])
  })
  test('a later end names itself, and an earlier one is numbered after it', () => {
    const notices = sweep([
      { at: END, subscription: lapsed },
      { at: END + 2 * MINUTE_MS, subscription: restored },
      { at: END + HOUR_MS, subscription: restored },
      { at: END + 2 * HOUR_MS, subscription: paid({ cancelAtPeriodEnd: true, periodEnd: END + DAY_MS }) },
      { at: END + 3 * HOUR_MS, subscription: again },
    ])
    expect(notices.map(({ id }) => id)).toEqual([
      `acme/lapsed/${END}`,
      `acme/restored/${END}`,
      `acme/lapsed/${END + HOUR_MS}`,
      `acme/restored/${END + HOUR_MS}`,
      `acme/lapsed/${END}/3`,
    ])
  })
  test('what was stored before lapses were numbered counts the lapse that lasts', () => {
    const stored = { lapsedAt: END, reminderFor: END, dueFor: END }
    const ids = sweep(isEnded.slice(1), stored).map(({ id }) => id)
    expect(ids).toEqual([`acme/restored/${END}`, `acme/lapsed/${END}/2`])
    const at = END + MINUTE_MS
    const unchanged = judgeAccess({ workspace: 'acme', subscription: lapsed, rules, told: stored, now: at })
    expect(unchanged).toEqual({ told: stored, notices: [], nextAt: null })
  })
  test('whatever moves the end: a lapse and a return take turns, and no id stands for two', () => {
    const step = fc.record({ minutes: fc.integer({ min: 0, max: 30 }), end: fc.integer({ min: -2, max: 8 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let at = END - DAY_MS
        const sweeps = steps.map(({ minutes, end }) => {
          at += minutes * MINUTE_MS
          const periodEnd = END - DAY_MS + end * 30 * MINUTE_MS
          return { at, subscription: paid({ status: 'trialing', periodEnd, occurredAt: at }) }
        })
        const notices = sweep(sweeps)
        expect(new Set(notices.map(({ id }) => id)).size).toBe(notices.length)
        expect(notices.map(({ type }) => type)).toEqual(
          notices.map((_, index) => (index % 2 === 0 ? 'lapsed' : 'restored')),
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('the same subscription gives the same ids', () => {
  const times = fc.array(fc.integer({ min: -12 * 24, max: 48 }), { minLength: 1, maxLength: 15 })
  const subscriptions = fc.record({
    status: fc.constantFrom('active', 'trialing', 'expired', 'payment_pending'),
    autoRenew: fc.boolean(),
    cancelAtPeriodEnd: fc.boolean(),
  })
  const every = Array.from({ length: 15 * 24 }, (_, hour) => END + (hour - 12 * 24) * HOUR_MS)

  test('swept seldom, repeatedly or late: no other id than swept every hour, and none twice', () => {
    fc.assert(
      fc.property(times, subscriptions, (hours, change) => {
        const subscription = paid(change)
        const dense = sweep(every.map((at) => ({ at, subscription }))).map(({ id }) => id)
        const swept = hours
          .toSorted((a, b) => a - b)
          .map((hour) => ({ at: END + hour * HOUR_MS, subscription }))
        const ids = sweep(swept.flatMap((one) => [one, one])).map(({ id }) => id)
        expect(dense).toEqual(expect.arrayContaining(ids))
        expect(new Set(ids).size).toBe(ids.length)
      }),
      { numRuns: 50 },
    )
  })

  test('nextAt is the next instant with something to tell: sweeping only then misses nothing', () => {
    fc.assert(
      fc.property(subscriptions, (change) => {
        const subscription = paid(change)
        const dense = sweep(every.map((at) => ({ at, subscription })))
        const told: Notice[] = []
        let before: AccessTold = NOTHING_TOLD
        for (let at: number | null = every[0] ?? 0; at !== null; ) {
          const judged = judgeAccess({ workspace: 'acme', subscription, rules, told: before, now: at })
          told.push(...judged.notices)
          before = judged.told
          at = judged.nextAt
        }
        expect(told).toEqual(dense)
      }),
    )
  })
})
