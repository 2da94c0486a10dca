import { afterAll, beforeAll, expect } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { entitled } from '#test/helpers/acceptance.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type NoticeReader, readNotices, type SeenNotice } from '#test/helpers/notices.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import { describe, test } from '#test/helpers/side-by-side.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let reader: NoticeReader
beforeAll(async () => {
  system = await sharedSystem()
  reader = await readNotices()
})
afterAll(async () => {
  await reader.stop()
  await system.stop()
})

type Fields = Readonly<Record<string, unknown>>

async function bought(change: Fields = {}, event: Fields = {}): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe(change, event)
  return workspace
}

async function told(workspace: TestWorkspace, count: number): Promise<readonly SeenNotice[]> {
  return eventually(
    async () => reader.of(workspace.id),
    (seen) => seen.length >= count,
    { what: `${count} notices about ${workspace.id}` },
  )
}

function words(notices: readonly SeenNotice[]): readonly string[] {
  return notices.map(({ type, feature, threshold }) =>
    [type, feature, threshold].filter((one) => one !== null).join(' '),
  )
}

/** Waits until so many AI credits are used in the window. */
async function usedIs(workspace: TestWorkspace, credits: number): Promise<Fields> {
  return eventually(
    () => entitled(workspace, 'ai_credits'),
    ({ used }) => used === credits,
    { what: `${credits} credits of ${workspace.id}` },
  )
}

/** Waits until a later notice about leads shows that all before it was judged, and says what else was told. */
async function toldAfterAll(workspace: TestWorkspace): Promise<readonly string[]> {
  await workspace.send('LeadEvent', { leadId: 'mark', action: 'created', quantity: 2_000 })
  await eventually(
    async () => words(reader.of(workspace.id)),
    (seen) => seen.includes('threshold_crossed leads 80'),
    { what: `${workspace.id} to be judged` },
  )
  return words(reader.of(workspace.id)).filter((word) => word !== 'threshold_crossed leads 80')
}

describe('S17: before the end of a paid period', () => {
  test('S17: the reminder comes 9 days before, the renewal 3 days before, once each and not earlier', async () => {
    const soon = Date.now() + 2_500
    const [reminded, due] = await Promise.all([
      bought({ periodEnd: soon + 9 * DAY_MS }),
      bought({ periodEnd: soon + 3 * DAY_MS }),
    ])
    const [reminder] = await told(reminded, 1)
    expect(reminder).toMatchObject({
      id: `${reminded.id}/renewal_reminder/${soon + 9 * DAY_MS}`,
      type: 'renewal_reminder',
      occurredAt: soon,
    })
    expect(words(await told(due, 2))).toEqual(['renewal_reminder', 'renewal_due'])
    expect(reader.of(due.id)[1]).toMatchObject({ occurredAt: soon })
    expect(Date.now()).toBeGreaterThanOrEqual(soon)
    expect(await toldAfterAll(due)).toEqual(['renewal_reminder', 'renewal_due'])
    expect(await toldAfterAll(reminded)).toEqual(['renewal_reminder'])
  })

  test('S17: started late they still come; cancelling, nothing; without auto-renew, no charge', async () => {
    const periodEnd = Date.now() + DAY_MS
    const [late, cancelling, manual, trial] = await Promise.all([
      bought({ periodEnd }),
      bought({ periodEnd, cancelAtPeriodEnd: true }),
      bought({ periodEnd, autoRenew: false }),
      bought({ periodEnd, status: 'trialing', termMonths: 0 }, { type: 'trial_started' }),
    ])
    expect(await toldAfterAll(late)).toEqual(['renewal_reminder', 'renewal_due'])
    expect(await toldAfterAll(cancelling)).toEqual([])
    expect(await toldAfterAll(manual)).toEqual(['renewal_reminder'])
    expect(await toldAfterAll(trial)).toEqual([])
  })
})

test('S16: the end of access and its return are told, each once, by the end that they are about', async () => {
  const end = Date.now() + 1_500
  const workspace = await bought({ periodEnd: end, cancelAtPeriodEnd: true })
  expect(await told(workspace, 1)).toMatchObject([{ id: `${workspace.id}/lapsed/${end}`, occurredAt: end }])
  await workspace.subscribe({ periodEnd: end + 180 * DAY_MS, cancelAtPeriodEnd: false })
  expect((await told(workspace, 2)).map(({ id }) => id)).toEqual([
    `${workspace.id}/lapsed/${end}`,
    `${workspace.id}/restored/${end}`,
  ])
})

describe('L1: on the way to the limit and past it', () => {
  test('L1: 80 %, 100 % and the grace are told with the figures, then the way back', async () => {
    const workspace = await bought()
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 1_999 })
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
    expect(await told(workspace, 1)).toMatchObject([
      { type: 'threshold_crossed', threshold: 80, used: 2_000 },
    ])
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 500 })
    const notices = await told(workspace, 3)
    expect(words(notices).slice(1)).toEqual(['threshold_crossed leads 100', 'grace_started leads'])
    expect(notices[1]).toMatchObject({ used: 2_500, limit: 2_500 })
    await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 600 })
    expect(words(await told(workspace, 5)).slice(3)).toEqual([
      'threshold_recovered leads 100',
      'threshold_recovered leads 80',
    ])
  })

  test('L1: the grace ends 24 hours after the crossing and is told as ended', async () => {
    const workspace = await bought()
    const crossedAt = Date.now() - 24 * HOUR_MS + 1_500
    await workspace.send('ContactEvent', { contactId: 'c', action: 'created', quantity: 12_500 }, crossedAt)
    const question = { feature: 'contacts_companies' }
    const all = await told(workspace, 4)
    expect(words(all).slice(2)).toEqual([
      'grace_started contacts_companies',
      'grace_ended contacts_companies',
    ])
    expect(all.map(({ occurredAt }) => occurredAt - crossedAt)).toEqual([0, 0, 0, 24 * HOUR_MS])
    expect(await workspace.check(question)).toMatchObject({ allowed: false, reason: 'limit_reached' })
  })

  test('L2: a hard limit is told at its thresholds and has no grace', async () => {
    const workspace = await bought()
    await workspace.send('AiCallEvent', { function: 'summary', credits: 750 })
    await told(workspace, 2)
    expect(await toldAfterAll(workspace)).toEqual([
      'threshold_crossed ai_credits 80',
      'threshold_crossed ai_credits 100',
    ])
  })
})

describe('S14: credits reset monthly on the anchor day, also inside a long term', () => {
  const now = new Date()
  const midnight = (month: number, day: number): number => {
    const last = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month + 1, 0)).getUTCDate()
    return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, Math.min(day, last))
  }
  /** The newest anchor day that has come, and the one after it, counted in months from this one. */
  const windowOf = (day: number): readonly string[] => {
    const first = midnight(0, day) <= now.getTime() ? 0 : -1
    return [midnight(first, day), midnight(first + 1, day)].map((instant) => new Date(instant).toISOString())
  }

  test.for([1, 15, 28, 29, 30, 31])('S14: anchor %i', async (anchorDay) => {
    const start = Date.now() - 150 * DAY_MS
    const term = { termMonths: 24, periodStart: start, periodEnd: start + 730 * DAY_MS, planSince: start }
    const workspace = await bought({ ...term, anchorDay }, { occurredAt: start })
    const [from = '', to = ''] = windowOf(anchorDay)
    await workspace.send('AiCallEvent', { function: 'summary', credits: 700 }, Date.parse(from) - 1)
    await workspace.send(
      'AiCallEvent',
      { function: 'summary', credits: 33 },
      Math.max(Date.parse(from), Date.now() - HOUR_MS),
    )
    await workspace.counted()
    expect(await entitled(workspace, 'ai_credits')).toMatchObject({
      used: 33,
      limit: 750,
      window: { from, to },
      resetsAt: to,
    })
  })

  test('S14: the last window runs to the exact end of the period and is followed by none', async () => {
    const periodEnd = Date.now() + 2 * HOUR_MS
    const anchorDay = new Date(periodEnd - 10 * DAY_MS).getUTCDate()
    const workspace = await bought({ periodEnd, anchorDay })
    const { window, resetsAt } = await entitled(workspace, 'ai_credits')
    expect([Object(window).to, resetsAt]).toEqual([new Date(periodEnd).toISOString(), null])
  })

  test('S14: a purchase after a lapse begins a window inside the day: what was used before it does not count', async () => {
    const [start, end] = [Date.now() - 40 * DAY_MS, Date.now() - 1_000]
    const term = { periodStart: start, periodEnd: end, planSince: start }
    const workspace = await bought(term, { occurredAt: start })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 700 }, end - 1_000)
    await workspace.counted()
    const now = Date.now()
    await workspace.subscribe({ periodStart: now, periodEnd: now + 182 * DAY_MS, planSince: now })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 33 })
    expect(await usedIs(workspace, 33)).toMatchObject({ limit: 750 })
  })

  test('S14: another anchor begins a window inside the day; the same one stated again does not', async () => {
    const now = Date.now()
    const [today, other] = [0, 9].map((days) => new Date(now - days * DAY_MS).getUTCDate())
    const start = now - 40 * DAY_MS
    const term = { periodStart: start, periodEnd: start + 365 * DAY_MS, planSince: start }
    const workspace = await bought({ ...term, anchorDay: other }, { occurredAt: start })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 700 })
    await usedIs(workspace, 700)
    await workspace.subscribe({}, { type: 'corrected', actor: 'support' })
    await workspace.counted()
    await usedIs(workspace, 700)
    await workspace.subscribe({ anchorDay: today }, { type: 'corrected', actor: 'support' })
    await usedIs(workspace, 0)
    await workspace.send('AiCallEvent', { function: 'summary', credits: 33 })
    await usedIs(workspace, 33)
  })

  test('S14: bought in mid-trial, the plan switches at once and what the trial used does not count', async () => {
    const trial = { plan: 'trial', status: 'trialing', termMonths: 0 }
    const workspace = await bought(trial, { type: 'trial_started' })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 1_000 })
    await workspace.counted()
    await workspace.subscribe({ plan: 'base', status: 'active', termMonths: 6 })
    await workspace.counted()
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({
      plan: 'base',
      used: 0,
      limit: 750,
    })
  })
})
