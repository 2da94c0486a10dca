import { afterAll, beforeAll, expect } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { answersAt, entitled, judged, readRoute, waysOut } from '#test/helpers/acceptance.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import { describe, test } from '#test/helpers/side-by-side.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

async function onPlan(plan: string, change: Readonly<Record<string, unknown>> = {}): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  const trial = plan === 'trial' ? { status: 'trialing', termMonths: 0 } : {}
  await workspace.subscribe(
    { plan, ...trial, ...change },
    { type: plan === 'trial' ? 'trial_started' : 'purchased' },
  )
  return workspace
}

const FEATURES = [
  'leads',
  'contacts_companies',
  'ai_credits',
  'ai_agents',
  'ai_agents_total',
  'whatsapp_numbers',
  'instagram_accounts',
] as const
const ALL = null

/** domain.md's table by hand, for two seats, in the order of `FEATURES`. */
const LIMITS = {
  trial: [ALL, ALL, 3_600, 50, 500, ALL, ALL],
  base: [5_000, 25_000, 1_500, 0, 500, 1, 1],
  advanced: [10_000, 50_000, 2_500, 3, 500, 3, 3],
  pro: [20_000, 100_000, 4_500, 50, 500, ALL, ALL],
  enterprise: [ALL, ALL, 4_500, 500, 500, ALL, ALL],
} as const

const SWITCHES = {
  trial: ['ai_agent', 'copilot_analyst_mode', 'salesbot', 'broadcasting', 'api_access', 'priority_support'],
  base: ['broadcasting'],
  advanced: ['ai_agent', 'salesbot', 'broadcasting', 'api_access'],
  pro: ['ai_agent', 'copilot_analyst_mode', 'salesbot', 'broadcasting', 'api_access'],
  enterprise: [
    'ai_agent',
    'copilot_analyst_mode',
    'salesbot',
    'broadcasting',
    'api_access',
    'priority_support',
  ],
} as const

test.for(Object.keys(LIMITS) as (keyof typeof LIMITS)[])(
  'S13, S14: %s has the seven limits and the switches of the table',
  async (plan) => {
    const workspace = await onPlan(plan, { seats: 2 })
    const { entitlements } = await readRoute(workspace, '/entitlements')
    const found = FEATURES.map((key) => entitlements.find((one: { feature: string }) => one.feature === key))
    expect(found.map(({ limit }) => limit)).toEqual(LIMITS[plan])
    expect(found.map(({ unlimited }) => unlimited)).toEqual(LIMITS[plan].map((limit) => limit === ALL))
    const on = entitlements.filter((one: { kind: string; on: boolean }) => one.kind === 'switch' && one.on)
    expect(on.map(({ feature }: { feature: string }) => feature)).toEqual(SWITCHES[plan])
    const denied = await workspace.check({ feature: 'priority_support', intent: 'use' })
    const isOn = SWITCHES[plan].some((key) => key === 'priority_support')
    expect(denied.reason).toBe(isOn ? 'feature_on' : 'feature_not_in_plan')
    expect(waysOut(denied)).toEqual(isOn ? [] : ['upgrade'])
  },
)

test('S14: contacts and companies share one limit over two meters', async () => {
  const workspace = await onPlan('base')
  await workspace.send('ContactEvent', { contactId: 'c', action: 'created', quantity: 12_400 })
  await workspace.send('CompanyEvent', { companyId: 'c', action: 'created', quantity: 99 })
  await workspace.counted()
  const question = { feature: 'contacts_companies', quantity: 1 }
  expect(await workspace.check(question)).toMatchObject({
    used: 12_499,
    limit: 12_500,
    reason: 'within_limit',
  })
  expect(await workspace.check({ ...question, quantity: 2 })).toMatchObject({ reason: 'over_limit_grace' })
})

test('S6: a seat that is bought in mid-term counts with the next check, what was used stays', async () => {
  const workspace = await onPlan('base')
  await workspace.send('AiCallEvent', { function: 'summary', credits: 750 })
  await workspace.counted()
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ allowed: false, limit: 750 })
  await workspace.subscribe({ seats: 2 }, { type: 'seats_changed' })
  expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({
    allowed: true,
    limit: 1_500,
    used: 750,
  })
  expect((await workspace.check({ feature: 'leads' })).limit).toBe(5_000)
  expect((await workspace.check({ feature: 'whatsapp_numbers', subject: '+1' })).limit).toBe(1)
})

describe('S13: plan versions', () => {
  const before = Date.parse('2026-05-31T23:59:59.999Z')
  const since = Date.parse('2026-06-01T00:00:00Z')

  test('S13: base keeps its agent for who took it before 2026-06-01; leads are limited for everyone', async () => {
    const [old, young] = await Promise.all([
      onPlan('base', { planSince: before }),
      onPlan('base', { planSince: since }),
    ])
    const agent = { feature: 'ai_agents', subject: 'a' }
    expect(await old.check(agent)).toMatchObject({ allowed: true, limit: 1 })
    expect(await young.check(agent)).toMatchObject({ allowed: false, reason: 'feature_not_in_plan' })
    for (const workspace of [old, young]) {
      expect(await workspace.check({ feature: 'leads' })).toMatchObject({
        limit: 2_500,
        planVersion: '2026-06-01',
      })
    }
  })

  test('S13: a renewal keeps the pin, an upgrade and back again moves it', async () => {
    const workspace = await onPlan('base', { planSince: before })
    await workspace.subscribe({ planSince: Date.now() }, { type: 'renewed' })
    expect((await entitled(workspace, 'ai_agents'))['limit']).toBe(1)
    await workspace.subscribe({ plan: 'advanced', planSince: Date.now() }, { type: 'upgraded' })
    const back = { plan: 'base', planSince: Date.now() }
    await workspace.subscribe(back, { type: 'downgraded', actor: 'support' })
    expect((await entitled(workspace, 'ai_agents'))['limit']).toBe(0)
  })
})

test('L1: leads at the limit are allowed for 24 hours from the crossing, then denied until there is room', async () => {
  const [fresh, late] = await Promise.all([onPlan('base'), onPlan('base')])
  const full = { leadId: 'l', action: 'created', quantity: 2_500 }
  const crossedAt = Date.now() - 24 * HOUR_MS
  await Promise.all([fresh.send('LeadEvent', full), late.send('LeadEvent', full, crossedAt)])
  await Promise.all([fresh.counted(), late.counted()])
  const question = { feature: 'leads' }
  expect(await fresh.check(question)).toMatchObject({
    allowed: true,
    reason: 'over_limit_grace',
    used: 2_500,
  })
  const denied = await late.becomes(question, 'limit_reached')
  expect(denied.overLimit).toEqual({
    since: new Date(crossedAt).toISOString(),
    graceEndsAt: new Date(crossedAt + 24 * HOUR_MS).toISOString(),
  })
  expect(waysOut(denied)).toEqual(['add_seats', 'upgrade', 'remove'])
  await late.send('LeadEvent', { leadId: 'l', action: 'deleted' })
  await late.counted()
  expect(await late.check(question)).toMatchObject({ reason: 'within_limit', used: 2_499 })
  await judged(system, late)
  await late.send('LeadEvent', { leadId: 'l', action: 'restored' })
  await late.counted()
  expect((await late.check(question)).reason).toBe('over_limit_grace')
})

test('L2: credits, agents and numbers are hard: the request that would pass is denied, none before it', async () => {
  const workspace = await onPlan('advanced')
  await workspace.send('AiCallEvent', { function: 'agent', credits: 1_240 })
  for (const agentId of ['a', 'b']) await workspace.send('AiAgentEvent', { agentId, state: 'active' })
  for (const number of ['+1', '+2'])
    await workspace.send('WhatsappNumberEvent', { number, action: 'connected' })
  await workspace.counted()
  const credits = async (quantity: number): Promise<string> =>
    (await workspace.check({ feature: 'ai_credits', quantity })).reason
  expect([await credits(10), await credits(11)]).toEqual(['within_limit', 'limit_reached'])
  const hard = [
    { feature: 'ai_agents', subject: 'c' },
    { feature: 'ai_agents', subject: 'd' },
    { feature: 'whatsapp_numbers', subject: '+3' },
    { feature: 'whatsapp_numbers', subject: '+4' },
  ]
  const { decisions } = Object(
    await (await workspace.post('/v1/checks', { workspace: workspace.id, items: hard })).json(),
  )
  expect(decisions.map(({ allowed }: { allowed: boolean }) => allowed)).toEqual([true, false, true, false])
})

test('L3: over the limit after a downgrade nothing is deleted, adding is denied, removing helps', async () => {
  const workspace = await onPlan('pro')
  for (const number of ['+1', '+2', '+3']) {
    await workspace.send('WhatsappNumberEvent', { number, action: 'connected' })
  }
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 4_000 })
  await workspace.counted()
  await judged(system, workspace)
  const downgradedAt = Date.now() - 25 * HOUR_MS
  const lower = { type: 'downgraded', actor: 'support', occurredAt: downgradedAt }
  await workspace.subscribe({ plan: 'base', planSince: downgradedAt }, lower)
  const leads = await workspace.becomes({ feature: 'leads' }, 'limit_reached')
  expect(leads).toMatchObject({ used: 4_000, limit: 2_500, remaining: 0 })
  expect(leads.overLimit?.since).toBe(new Date(downgradedAt).toISOString())
  expect(leads.unblock).toContainEqual({ action: 'remove', quantity: 1_501 })
  const numbers = { feature: 'whatsapp_numbers' }
  expect(await workspace.check({ ...numbers, subject: '+4' })).toMatchObject({
    reason: 'limit_reached',
    used: 3,
  })
  for (const intent of ['read', 'use', 'add']) {
    expect((await workspace.check({ ...numbers, subject: '+2', intent })).allowed, intent).toBe(true)
  }
  await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 1_501 })
  for (const number of ['+2', '+3', '+1']) {
    await workspace.send('WhatsappNumberEvent', { number, action: 'disconnected' })
  }
  await workspace.counted()
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ reason: 'within_limit', used: 2_499 })
  expect((await workspace.check({ ...numbers, subject: '+4' })).reason).toBe('within_limit')
})

test('L3: a number that was connected before the limit stays for nothing; connected again it is new', async () => {
  const workspace = new TestWorkspace(system)
  const since = Date.parse('2026-05-01T00:00:00Z')
  const members = ['+1', '+2'].map((subject) => ({ subject, since }))
  await workspace.subscribe({ plan: 'base', planSince: since })
  const takenAt = Date.now()
  await workspace.send('UsageSnapshotEvent', { levels: {}, members: { whatsapp_numbers: members }, takenAt })
  await workspace.counted()
  const number = async (subject: string): Promise<unknown> => {
    const { allowed, used, limit } = await workspace.check({ feature: 'whatsapp_numbers', subject })
    return { allowed, used, limit }
  }
  expect(await number('+1')).toEqual({ allowed: true, used: 2, limit: 1 })
  expect(await number('+3')).toEqual({ allowed: false, used: 2, limit: 1 })
  await workspace.send('WhatsappNumberEvent', { number: '+1', action: 'disconnected' })
  await workspace.counted()
  expect(await number('+1')).toEqual({ allowed: false, used: 1, limit: 1 })
  expect(await number('+2')).toEqual({ allowed: true, used: 1, limit: 1 })
})

test('L4: a denied attempt uses nothing, however often it is made', async () => {
  const workspace = await onPlan('base')
  await workspace.send('AiCallEvent', { function: 'summary', credits: 745 })
  await workspace.counted()
  const before = await readRoute(workspace, '/entitlements')
  const asked = Array.from({ length: 50 }, () => workspace.check({ feature: 'ai_credits', quantity: 6 }))
  expect(new Set((await Promise.all(asked)).map(({ reason }) => reason))).toEqual(new Set(['limit_reached']))
  expect((await readRoute(workspace, '/entitlements')).entitlements).toEqual(Object(before).entitlements)
  expect(await workspace.check({ feature: 'ai_credits', quantity: 5 })).toMatchObject({
    allowed: true,
    used: 745,
  })
})

test('S14: deleted before created: the level is kept signed and decided as 0', async () => {
  const workspace = await onPlan('base')
  await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 3 })
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads' })).used).toBe(0)
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 5 })
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads' })).used).toBe(2)
})

test('S6: an add-on counts whole from its first millisecond to its last, on the reset of the subscription', async () => {
  const workspace = new TestWorkspace(system)
  const start = Date.now() - 200 * DAY_MS
  const [from, until] = [start + 50 * DAY_MS, start + 150 * DAY_MS]
  const addOns = [{ key: 'ai_credits_5000', quantity: 2, from, until }]
  await workspace.subscribe({ addOns, periodStart: start, planSince: start }, { occurredAt: start })
  const limits = await answersAt(workspace, { feature: 'ai_credits' }, [from - 1, from, until - 1, until])
  expect(limits.map(({ limit }) => limit)).toEqual([750, 10_750, 10_750, 750])
})

describe('S13: an override', () => {
  type Override = Parameters<TestWorkspace['override']>[1]
  async function overridden(override: Override, change: object = {}): Promise<TestWorkspace> {
    const workspace = new TestWorkspace(system)
    await workspace.override('leads', override)
    await workspace.subscribe({ plan: 'base', ...change })
    return workspace
  }

  test('S13: replaces the formula until its last millisecond', async () => {
    const until = Date.now() + 4_000
    const workspace = await overridden({ limit: 7, until })
    expect(await entitled(workspace, 'leads')).toMatchObject({ limit: 7, source: 'override' })
    await workspace.becomes({ feature: 'leads', quantity: 8 }, 'within_limit')
    expect(await entitled(workspace, 'leads')).toMatchObject({ limit: 2_500, source: 'plan' })
    const around = await answersAt(workspace, { feature: 'leads' }, [until - 1, until])
    expect(around.map(({ limit }) => limit)).toEqual([7, 2_500])
  })

  test('S13: revives no lapse, and lifts the limit of a plan that has one', async () => {
    const unlimited = { limit: null, until: null }
    const lapsed = await overridden(unlimited, { periodEnd: Date.now() - 1_000 })
    expect(await lapsed.check({ feature: 'leads' })).toMatchObject({ reason: 'subscription_lapsed' })
    expect((await (await overridden(unlimited)).check({ feature: 'leads' })).reason).toBe('unlimited')
  })
})
