import { afterAll, beforeAll, expect } from 'vitest'
import { DAY_MS, MINUTE_MS } from '#core/instant.ts'
import {
  answersAt,
  attempt,
  inForce,
  order,
  readRoute,
  reasonsAt,
  waysOut,
} from '#test/helpers/acceptance.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import { describe, test } from '#test/helpers/side-by-side.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

const LEADS = { feature: 'leads' }
/** A paid period that ended a day ago, so that every instant around its end can be asked about. */
const END = Date.now() - DAY_MS
const START = END - 182 * DAY_MS
const NEXT_END = END + 182 * DAY_MS
const period = { periodStart: START, periodEnd: END, planSince: START }

async function bought(
  change: Readonly<Record<string, unknown>> = {},
  type = 'purchased',
): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ ...period, ...change }, { type, occurredAt: START })
  return workspace
}

async function onTrial(): Promise<TestWorkspace> {
  return bought({ plan: 'trial', status: 'trialing', termMonths: 0 }, 'trial_started')
}

/** An event of the renewal order, as it stood `at`. */
function renewal(at: number, change: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const renewing = {
    orderId: 'o2',
    kind: 'renewal',
    status: 'pending',
    placedAt: END - 3 * DAY_MS,
    ...change,
  }
  return { type: 'payment_pending', occurredAt: at, order: order(renewing) }
}

describe('S1: a payment that takes 15 minutes to show', () => {
  const began = END - 5 * MINUTE_MS
  const edge = END + 10 * MINUTE_MS
  const around = [END - 1, END, edge - 1, edge]

  test('S1: an attempt to renew begun before the end keeps access for 15 minutes, to the millisecond', async () => {
    const workspace = await bought()
    await workspace.subscribe({}, renewal(began, { attempt: attempt('processing', began) }))
    const open = ['within_limit', 'within_limit', 'within_limit', 'payment_pending']
    expect(await reasonsAt(workspace, LEADS, around)).toEqual(open)
    expect(await inForce(workspace)).toMatchObject({
      access: 'lapsed',
      accessEndsAt: new Date(edge).toISOString(),
      openOrderId: 'o2',
    })
    const paidAt = END + 30 * MINUTE_MS
    await workspace.subscribe(
      { periodStart: END, periodEnd: NEXT_END },
      { ...renewal(paidAt, { status: 'paid', paidAt }), type: 'payment_succeeded' },
    )
    expect(await reasonsAt(workspace, LEADS, [paidAt - 1, paidAt])).toEqual([
      'payment_pending',
      'within_limit',
    ])
    expect((await workspace.check(LEADS)).reason).toBe('within_limit')
  })

  test('S1: a retry after the end, a scheduled cancel and a trial have no such window', async () => {
    const retried = await bought()
    await retried.subscribe({}, renewal(END + 1, { attempt: attempt('processing', END + 1) }))
    expect(await reasonsAt(retried, LEADS, [END, END + 1])).toEqual([
      'subscription_lapsed',
      'payment_pending',
    ])
    const cancelling = await bought({ cancelAtPeriodEnd: true })
    await cancelling.subscribe({}, renewal(began, { attempt: attempt('processing', began) }))
    expect(await reasonsAt(cancelling, LEADS, [END - 1, END])).toEqual(['within_limit', 'payment_pending'])
    const trial = await onTrial()
    expect(await reasonsAt(trial, LEADS, [END - 1, END])).toEqual(['unlimited', 'subscription_lapsed'])
  })

  test('S1: the window passes while nobody does anything', async () => {
    const workspace = new TestWorkspace(system)
    const end = Date.now() - DAY_MS / 1_000
    const at = Date.now() - 15 * MINUTE_MS + 4_000
    const pending = order({
      orderId: 'o2',
      kind: 'renewal',
      status: 'pending',
      attempt: attempt('failed', at),
    })
    await workspace.subscribe(
      { periodStart: START, periodEnd: end },
      { type: 'payment_failed', occurredAt: at, order: pending },
    )
    const before = await workspace.check(LEADS)
    expect(before).toMatchObject({ allowed: true, reason: 'within_limit' })
    const after = await workspace.becomes(LEADS, 'payment_pending')
    expect(after.unblock).toEqual([{ action: 'pay', orderId: 'o2' }, { action: 'contact_support' }])
  })

  test('S1: a first purchase grants nothing until it is paid, and everything with the first decision after', async () => {
    const workspace = new TestWorkspace(system)
    const first = { orderId: 'o1', status: 'pending' }
    await workspace.subscribe({ status: 'payment_pending' }, { order: order(first) })
    for (const intent of ['read', 'use', 'add']) {
      const answer = await workspace.check({ ...LEADS, intent })
      expect(answer).toMatchObject({ allowed: false, reason: 'payment_pending' })
      expect(answer.unblock[0]).toEqual({ action: 'pay', orderId: 'o1' })
    }
    const paid = { type: 'payment_succeeded', order: order({ ...first, status: 'paid' }) }
    await workspace.subscribe({ status: 'active' }, paid)
    expect((await workspace.check(LEADS)).reason).toBe('within_limit')
  })
})

describe('S8: cancelled at the end of the paid period', () => {
  test('S8: every right stays until the last millisecond; undone, the subscription goes on', async () => {
    const workspace = await bought({ plan: 'pro' })
    await workspace.subscribe(
      { cancelAtPeriodEnd: true, autoRenew: false },
      { type: 'cancel_scheduled', occurredAt: START + DAY_MS },
    )
    for (const feature of ['leads', 'ai_credits', 'salesbot', 'whatsapp_numbers']) {
      const answers = await answersAt(workspace, { feature }, [START + DAY_MS, END - 1, END])
      expect(
        answers.map(({ allowed }) => allowed),
        feature,
      ).toEqual([true, true, false])
      expect(answers[2]?.reason, feature).toBe('subscription_lapsed')
    }
    const undone = { cancelAtPeriodEnd: false, autoRenew: true }
    await workspace.subscribe(undone, { type: 'auto_renew_changed', occurredAt: END - DAY_MS })
    const began = END - MINUTE_MS
    await workspace.subscribe({}, renewal(began, { attempt: attempt('processing', began) }))
    expect(await reasonsAt(workspace, LEADS, [END])).toEqual(['within_limit'])
  })

  test('S8: the period ends by itself, in front of a caller', async () => {
    const workspace = new TestWorkspace(system)
    const end = Date.now() + 4_000
    await workspace.subscribe({ periodEnd: end, cancelAtPeriodEnd: true })
    expect((await workspace.check(LEADS)).reason).toBe('within_limit')
    await workspace.becomes(LEADS, 'subscription_lapsed')
    expect(Date.now()).toBeGreaterThanOrEqual(end)
    expect(await reasonsAt(workspace, LEADS, [end - 1, end])).toEqual(['within_limit', 'subscription_lapsed'])
  })
})

test('S12: a failed payment ends nothing before the period does, also where billing states payment_pending', async () => {
  const workspace = await bought()
  const failedAt = END - 3 * DAY_MS
  const failed = renewal(failedAt, { attempt: attempt('failed', failedAt) })
  await workspace.subscribe({ status: 'payment_pending' }, { ...failed, type: 'payment_failed' })
  const answers = await answersAt(workspace, LEADS, [failedAt, END - 1, END])
  expect(answers.map(({ reason }) => reason)).toEqual(['within_limit', 'within_limit', 'payment_pending'])
  expect(answers[2]?.unblock).toEqual([{ action: 'pay', orderId: 'o2' }, { action: 'contact_support' }])
  const retry = { orderId: 'o3', kind: 'renewal', method: 'paypal' }
  const paid = { type: 'payment_succeeded', order: order(retry) }
  await workspace.subscribe({ status: 'active', periodEnd: NEXT_END, paymentMethod: 'paypal' }, paid)
  expect((await workspace.check(LEADS)).reason).toBe('within_limit')
})

describe('S16: what stays possible while inactive', () => {
  test('S16: reading and using go on, adding does not, until the first decision after the payment', async () => {
    const workspace = await bought({ plan: 'pro' })
    const features = [
      'leads',
      'contacts_companies',
      'ai_credits',
      'ai_agents',
      'salesbot',
      'whatsapp_numbers',
    ]
    for (const feature of features) {
      const reasons = ['read', 'use', 'add'].map(
        async (intent) => (await workspace.check({ feature, intent })).allowed,
      )
      expect(await Promise.all(reasons), feature).toEqual([true, true, false])
    }
    const denied = await workspace.check(LEADS)
    expect([denied.reason, waysOut(denied)]).toEqual(['subscription_lapsed', ['pay', 'contact_support']])
    await workspace.subscribe({ periodEnd: NEXT_END }, { type: 'renewed', order: order({ kind: 'renewal' }) })
    for (const feature of features) expect((await workspace.check({ feature })).allowed, feature).toBe(true)
  })

  test('S16: a trial ends with its last millisecond; bought, the plan and a new window count at once', async () => {
    const workspace = await onTrial()
    expect(await reasonsAt(workspace, LEADS, [END - 1, END])).toEqual(['unlimited', 'subscription_lapsed'])
    await workspace.subscribe({
      subscriptionId: 's2',
      plan: 'base',
      status: 'active',
      termMonths: 6,
      periodEnd: NEXT_END,
    })
    expect(await workspace.check(LEADS)).toMatchObject({ reason: 'within_limit', plan: 'base', limit: 2_500 })
  })

  test('S2: a trial of another length, and days of it that a purchase loses, are said where billing looks', async () => {
    const workspace = new TestWorkspace(system)
    const trial = { plan: 'trial', status: 'trialing', termMonths: 0 }
    const now = Date.now()
    await workspace.subscribe(
      { ...trial, periodStart: now, periodEnd: now + 30 * DAY_MS },
      { type: 'trial_started', occurredAt: now },
    )
    const paid = { subscriptionId: 's2', plan: 'base', status: 'active', termMonths: 6 }
    await workspace.subscribe({ ...paid, periodEnd: now + 184 * DAY_MS })
    const { history } = await readRoute(workspace, '/subscription')
    const said = history.map(({ version, warnings }: { version: number; warnings: { code: string }[] }) => [
      version,
      warnings.map(({ code }) => code),
    ])
    expect(said.toSorted()).toEqual([
      [1, ['trial_length']],
      [2, ['trial_days_lost']],
    ])
    expect((await workspace.check(LEADS)).reason).toBe('within_limit')
  })

  test('S16: an early expired ends nothing, the end of the period does', async () => {
    const workspace = await bought()
    await workspace.subscribe({ status: 'expired' }, { type: 'expired', occurredAt: END - DAY_MS })
    expect(await reasonsAt(workspace, LEADS, [END - 1, END])).toEqual(['within_limit', 'subscription_lapsed'])
  })
})

test('S9: a cancel by support ends access when it happened, also when a later version restates it', async () => {
  const workspace = await bought()
  const at = START + 10 * DAY_MS
  await workspace.subscribe({ status: 'canceled' }, { type: 'refunded', actor: 'support', occurredAt: at })
  await workspace.subscribe({}, { type: 'corrected', actor: 'system', occurredAt: END - 1 })
  expect(await reasonsAt(workspace, LEADS, [at - 1, at, END - 1])).toEqual([
    'within_limit',
    'subscription_lapsed',
    'subscription_lapsed',
  ])
})
