import { afterAll, beforeAll, expect } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { inForce, order, ordersOf, readRoute } from '#test/helpers/acceptance.ts'
import { type Letter, type LetterReader, openLetters } from '#test/helpers/letters.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import { describe, test } from '#test/helpers/side-by-side.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let letters: LetterReader
beforeAll(async () => {
  system = await sharedSystem()
  letters = await openLetters()
})
afterAll(async () => {
  await letters.stop()
  await system.stop()
})

const END = Date.now() + 180 * DAY_MS
const ends = new Date(END).toISOString()
const TRIAL = { subscriptionId: 't1', plan: 'trial', status: 'trialing', termMonths: 0 }

/** Three seats of advanced until `END`. */
async function onAdvanced(): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'advanced', seats: 3, periodEnd: END })
  return workspace
}

type Fields = Readonly<Record<string, unknown>>

/** Sends a change that is refused; the letter about it. */
async function refused(workspace: TestWorkspace, change: Fields, event: Fields = {}): Promise<Letter> {
  const before = letters.of(workspace.id).length
  await workspace.subscribe(change, { type: 'corrected', ...event })
  const found = await letters.first(workspace.id, before + 1)
  const letter = found[before]
  if (letter === undefined || found.length > before + 1) throw new Error(JSON.stringify(found))
  return letter
}

interface Case {
  readonly title: string
  readonly code: string
  readonly says: readonly string[]
  readonly change?: Fields
  readonly event?: Fields
  /** What is in force afterwards, beside advanced with 3 seats until `END`. */
  readonly left?: Fields
}

const inReal = { currency: 'BRL', method: 'pix' }
const pack = { key: 'ai_credits_5000', quantity: 1, from: END - 170 * DAY_MS, until: END - 160 * DAY_MS }
const CASES: readonly Case[] = [
  {
    title: 'S2: a second subscription is refused whole',
    code: 'second_subscription',
    says: ['subscription s1', ends.slice(0, 10), '(s2)', 'S2'],
    change: { subscriptionId: 's2', plan: 'enterprise', seats: 9, country: 'BR' },
    left: { subscriptionId: 's1', country: 'US', version: 1 },
  },
  {
    title: 'S3: a term below 6 months is refused whole',
    code: 'term_too_short',
    says: ['3 months', 'shortest of 6', 'S3'],
    change: { termMonths: 3, seats: 9 },
    event: { type: 'renewed' },
    left: { termMonths: 6, version: 1 },
  },
  {
    title: 'S3: an add-on below its 3 months is left out, the rest applies',
    code: 'term_too_short',
    says: ['ai_credits_5000', 'at least 3 months', 'left out'],
    change: { addOns: [pack], country: 'DE' },
    left: { addOns: [], country: 'DE' },
  },
  {
    title: 'S5: a shorter period is refused, the rest applies',
    code: 'term_shortened',
    says: [ends, new Date(END - DAY_MS).toISOString(), 'S5'],
    change: { periodEnd: END - DAY_MS, autoRenew: false },
    left: { autoRenew: false },
  },
  {
    title: 'S5: a cancel at once by the customer is refused, with the way to do it',
    code: 'term_shortened',
    says: [ends, 'schedule a cancel'],
    change: { status: 'canceled' },
    left: { status: 'active', access: 'active' },
  },
  {
    title: 'S7: Pix outside Brazil pays for nothing, the rest applies',
    code: 'payment_not_allowed',
    says: ['o7', 'pix in BRL', 'US', 'card or paypal in USD', 'S7'],
    change: { autoRenew: false },
    event: { order: order({ orderId: 'o7', kind: 'renewal', status: 'pending', ...inReal }) },
    left: { autoRenew: false, openOrderId: null },
  },
  {
    title: 'S7: installments outside the table',
    code: 'payment_not_allowed',
    says: ['o7', 'card', '6 installments'],
    event: { order: order({ orderId: 'o7', kind: 'seats', installments: 6 }) },
  },
  {
    title: 'S7: a local partner only through support',
    code: 'payment_not_allowed',
    says: ['partner in EUR', 'US'],
    event: { order: order({ orderId: 'o7', kind: 'seats', method: 'partner', currency: 'EUR' }) },
  },
  {
    title: 'S9: a refund by the customer',
    code: 'refund_needs_support',
    says: ['o7', 'customer', 'support', 'S9'],
    change: { status: 'canceled' },
    event: { type: 'refunded', order: order({ orderId: 'o7', status: 'refunded' }) },
    left: { status: 'active', version: 1 },
  },
  {
    title: 'S15: a lower plan without support is refused, the paid renewal beside it is not',
    code: 'downgrade_needs_support',
    says: ['plan base', 'below advanced', 'support', 'S15'],
    change: { plan: 'base', periodEnd: END + 180 * DAY_MS },
    event: { type: 'renewed', order: order({ orderId: 'o7', kind: 'renewal' }) },
    left: { periodEnd: new Date(END + 180 * DAY_MS).toISOString() },
  },
  {
    title: 'S15: fewer seats without support',
    code: 'seats_need_support',
    says: ['2 seats', 'fewer than 3', 'renewal', 'support'],
    change: { seats: 2 },
  },
  {
    title: 'S13: a plan that is not sold is refused whole',
    code: 'unknown_plan',
    says: ['"gold"', 'trial, base, advanced, pro, enterprise'],
    change: { plan: 'gold', seats: 9 },
    left: { version: 1 },
  },
  {
    title: 'S13: an add-on that is not sold is refused whole',
    code: 'unknown_add_on',
    says: ['"moon"', 'ai_credits_5000'],
    change: { addOns: [{ ...pack, key: 'moon' }], seats: 9 },
    left: { version: 1 },
  },
]

test.for(CASES.map((one) => [one.title, one.code, one] as const))(
  '%s: %s',
  async ([, code, { says, change = {}, event = {}, left = {} }]) => {
    const workspace = await onAdvanced()
    const letter = await refused(workspace, change, event)
    expect(letter.code).toBe(code)
    for (const part of says) expect(letter.reason).toContain(part)
    expect(await inForce(workspace)).toMatchObject({ plan: 'advanced', seats: 3, periodEnd: ends, ...left })
    const { history } = await readRoute(workspace, '/subscription')
    expect(history[0].refusals).toEqual([{ code, reason: letter.reason }])
    expect((await workspace.check({ feature: 'leads' })).limit).toBe(15_000)
  },
)

test('S2: a trial and an unpaid subscription are replaced, one that is paid and runs only by support', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe(TRIAL, { type: 'trial_started' })
  await workspace.subscribe({ subscriptionId: 's1', plan: 'base', status: 'payment_pending', termMonths: 6 })
  expect(await inForce(workspace)).toMatchObject({ subscriptionId: 's1', access: 'pending' })
  await workspace.subscribe({ subscriptionId: 's2', status: 'active', periodEnd: END })
  expect(await inForce(workspace)).toMatchObject({ subscriptionId: 's2', plan: 'base', access: 'active' })
  await workspace.subscribe({ subscriptionId: 's3' }, { actor: 'support' })
  expect(await inForce(workspace)).toMatchObject({ subscriptionId: 's3' })
  expect(letters.of(workspace.id).map(({ reason }) => reason)).toEqual([])
})

test('S2: one trial a workspace: trial_repeated names both', async () => {
  const workspace = new TestWorkspace(system)
  const past = { periodStart: END - 230 * DAY_MS, periodEnd: END - 200 * DAY_MS }
  await workspace.subscribe({ ...TRIAL, ...past }, { type: 'trial_started', occurredAt: END - 230 * DAY_MS })
  const again = { subscriptionId: 't2', periodEnd: END }
  const letter = await refused(workspace, again, { type: 'trial_started' })
  expect(letter.code).toBe('trial_repeated')
  for (const part of [workspace.id, '(t1)', 't2']) expect(letter.reason).toContain(part)
  expect(await inForce(workspace)).toMatchObject({ subscriptionId: 't1', access: 'lapsed' })
})

test('S5: extending, upgrading and adding seats act at once and refuse nothing', async () => {
  const workspace = await onAdvanced()
  await workspace.subscribe({ periodEnd: END + DAY_MS }, { type: 'extended' })
  await workspace.subscribe({ plan: 'pro', planSince: Date.now() }, { type: 'upgraded' })
  await workspace.subscribe({ seats: 5 }, { type: 'seats_changed' })
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ plan: 'pro', limit: 50_000 })
  expect(await inForce(workspace)).toMatchObject({ periodEnd: new Date(END + DAY_MS).toISOString() })
  expect(letters.of(workspace.id).map(({ reason }) => reason)).toEqual([])
})

describe('S5, S9, S15: support lifts what is refused to others', () => {
  test('S15: a lower plan, fewer seats and a shorter term by support apply, without a letter', async () => {
    const workspace = await onAdvanced()
    const lower = { plan: 'base', planSince: Date.now(), seats: 1, periodEnd: END - DAY_MS }
    await workspace.subscribe(lower, { type: 'downgraded', actor: 'support' })
    expect(await workspace.check({ feature: 'leads' })).toMatchObject({ plan: 'base', limit: 2_500 })
    expect(await inForce(workspace)).toMatchObject({ periodEnd: new Date(END - DAY_MS).toISOString() })
    expect(letters.of(workspace.id).map(({ reason }) => reason)).toEqual([])
  })
  test('S15: after a lapse a lower plan is free to choose', async () => {
    const workspace = new TestWorkspace(system)
    const past = { periodStart: END - 400 * DAY_MS, periodEnd: END - 200 * DAY_MS }
    await workspace.subscribe({ plan: 'pro', seats: 9, ...past }, { occurredAt: END - 400 * DAY_MS })
    await workspace.subscribe({ plan: 'base', seats: 1, periodEnd: END })
    expect(await workspace.check({ feature: 'leads' })).toMatchObject({ plan: 'base', limit: 2_500 })
    expect(letters.of(workspace.id).map(({ reason }) => reason)).toEqual([])
  })
  test('S9: the refund of a pack by support ends the pack, not the plan', async () => {
    const workspace = await onAdvanced()
    const until = { from: Date.now() - DAY_MS, until: END }
    const sold = order({ orderId: 'p1', kind: 'add_on' })
    await workspace.subscribe({ addOns: [{ ...pack, ...until }] }, { type: 'add_on_changed', order: sold })
    expect((await workspace.check({ feature: 'ai_credits' })).limit).toBe(8_750)
    const refund = { type: 'refunded', actor: 'support', order: { ...sold, status: 'refunded' } }
    await workspace.subscribe({ addOns: [] }, refund)
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ limit: 3_750, allowed: true })
    expect((await ordersOf(workspace)).map(({ status }) => status)).toEqual(['refunded'])
    expect(letters.of(workspace.id).map(({ reason }) => reason)).toEqual([])
  })
})
