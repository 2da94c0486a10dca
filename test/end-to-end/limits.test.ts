import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { judged } from '#test/helpers/acceptance.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

async function onPlan(plan: string): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan })
  return workspace
}

describe('S14, L2: hard limits deny at exactly the limit', () => {
  test('ai_credits: the credit that would pass the pool is denied, the last one is not', async () => {
    const workspace = await onPlan('base')
    await workspace.send('AiCallEvent', { function: 'summary', credits: 744 })
    await workspace.send('AiCallEvent', { function: 'summary' })
    await workspace.counted()
    const question = { feature: 'ai_credits' }
    expect(await workspace.checkExactly(question)).toMatchObject({
      reason: 'within_limit',
      used: 749,
      limit: 750,
    })
    expect(await workspace.check({ ...question, quantity: 2 })).toMatchObject({
      reason: 'limit_reached',
      remaining: 1,
    })
    await workspace.send('AiCallEvent', { function: 'rewrite' })
    await workspace.counted()
    const denied = await workspace.check(question)
    expect(denied).toMatchObject({ allowed: false, reason: 'limit_reached', used: 750, remaining: 0 })
    expect(denied.unblock.map(({ action }) => action)).toEqual([
      'add_seats',
      'add_on',
      'upgrade',
      'wait_until',
    ])
  })

  test('ai_agents: active agents count once each, and leave when they go offline', async () => {
    const workspace = await onPlan('advanced')
    for (const agentId of ['a', 'b', 'c']) await workspace.send('AiAgentEvent', { agentId, state: 'active' })
    await workspace.send('AiAgentEvent', { agentId: 'a', state: 'active' })
    await workspace.counted()
    const question = { feature: 'ai_agents', subject: 'd' }
    expect(await workspace.check(question)).toMatchObject({ reason: 'limit_reached', used: 3, limit: 3 })
    expect((await workspace.check({ ...question, subject: 'a' })).reason).toBe('within_limit')
    await workspace.send('AiAgentEvent', { agentId: 'a', state: 'offline' })
    await workspace.counted()
    expect(await workspace.check(question)).toMatchObject({ reason: 'within_limit', used: 2 })
  })

  test('ai_agents_total: drafts, active and offline agents together', async () => {
    const workspace = await onPlan('pro')
    const states = ['draft', 'active', 'offline']
    const agents = Array.from({ length: 500 }, (_, index) => `agent-${index}`)
    await Promise.all(
      agents.map((agentId, index) =>
        workspace.send('AiAgentEvent', { agentId, state: states[index % 3] ?? '' }),
      ),
    )
    await workspace.counted()
    const question = { feature: 'ai_agents_total', subject: 'one-more' }
    expect(await workspace.check(question)).toMatchObject({ reason: 'limit_reached', used: 500, limit: 500 })
    await workspace.send('AiAgentEvent', { agentId: 'agent-7', state: 'deleted' })
    await workspace.counted()
    expect(await workspace.check(question)).toMatchObject({ reason: 'within_limit', used: 499 })
  })

  test.for([
    ['whatsapp_numbers', 'WhatsappNumberEvent', 'number', '+55119'],
    ['instagram_accounts', 'InstagramAccountEvent', 'account', 'shop'],
  ] as const)(
    '%s: a new one is denied at the limit, a connected one costs nothing',
    async ([feature, record, field, name]) => {
      const workspace = await onPlan('base')
      await workspace.send(record, { [field]: `${name}1`, action: 'connected' })
      await workspace.counted()
      expect(await workspace.check({ feature, subject: `${name}2` })).toMatchObject({
        reason: 'limit_reached',
        used: 1,
      })
      expect((await workspace.check({ feature, subject: `${name}1` })).reason).toBe('within_limit')
      await workspace.send(record, { [field]: `${name}1`, action: 'disconnected' })
      await workspace.counted()
      expect(await workspace.check({ feature, subject: `${name}2` })).toMatchObject({
        reason: 'within_limit',
        used: 0,
      })
    },
  )
})

describe('S14, L1: leads and contacts have 24 hours from the crossing', () => {
  const cases = [
    {
      feature: 'leads',
      limit: 2_500,
      fill: [['LeadEvent', 'leadId', 2_500]],
      record: 'LeadEvent',
      field: 'leadId',
    },
    {
      feature: 'contacts_companies',
      limit: 12_500,
      fill: [
        ['ContactEvent', 'contactId', 12_000],
        ['CompanyEvent', 'companyId', 500],
      ],
      record: 'CompanyEvent',
      field: 'companyId',
    },
  ] as const

  test.for(cases)(
    '$feature: over_limit_grace at the limit, one below it is not',
    async ({ feature, limit, fill, record, field }) => {
      const workspace = await onPlan('base')
      for (const [name, id, quantity] of fill)
        await workspace.send(name, { [id]: 'x', action: 'created', quantity })
      await workspace.counted()
      const grace = await workspace.check({ feature })
      expect(grace).toMatchObject({ allowed: true, reason: 'over_limit_grace', used: limit, limit })
      await workspace.send(record, { [field]: 'x', action: 'deleted', quantity: 1 })
      await workspace.counted()
      expect(await workspace.check({ feature })).toMatchObject({ reason: 'within_limit', used: limit - 1 })
    },
  )

  test.for(cases)(
    '$feature: denied once the crossing is 25 hours back, allowed after a removal',
    async ({ feature, limit, fill, record, field }) => {
      const workspace = await onPlan('base')
      const crossedAt = Date.now() - 25 * HOUR_MS
      for (const [name, id, quantity] of fill) {
        await workspace.send(name, { [id]: 'x', action: 'created', quantity }, crossedAt)
      }
      await workspace.counted()
      const denied = await workspace.becomes({ feature }, 'limit_reached')
      expect(denied).toMatchObject({ allowed: false, used: limit })
      expect(Date.parse(denied.overLimit?.since ?? '')).toBe(crossedAt)
      await workspace.send(record, { [field]: 'x', action: 'deleted', quantity: 1 })
      await workspace.counted()
      await judged(system, workspace)
      expect(await workspace.check({ feature })).toMatchObject({ allowed: true, reason: 'within_limit' })
      await workspace.send(record, { [field]: 'x', action: 'created', quantity: 1 })
      await workspace.counted()
      expect((await workspace.check({ feature })).reason).toBe('over_limit_grace')
    },
  )
})

test('L3: over the limit with fewer seats nothing is deleted, adding is denied, removing helps', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base', seats: 2 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 4_000 })
  await workspace.counted()
  await judged(system, workspace)
  const taken = { type: 'seats_changed', actor: 'support', occurredAt: Date.now() - 25 * HOUR_MS }
  await workspace.subscribe({ seats: 1 }, taken)
  expect(await workspace.becomes({ feature: 'leads' }, 'limit_reached')).toMatchObject({
    used: 4_000,
    limit: 2_500,
  })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 1_501 })
  await workspace.counted()
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ reason: 'within_limit', used: 2_499 })
})

describe('time and the subscription decide access, no job does', () => {
  test('S8, S16: a trial ends with its last millisecond and comes back with a purchase', async () => {
    const workspace = new TestWorkspace(system)
    const end = Date.now() + 1_500
    await workspace.subscribe(
      { plan: 'trial', status: 'trialing', termMonths: 0, periodEnd: end },
      { type: 'trial_started' },
    )
    expect(await workspace.check({ feature: 'leads' })).toMatchObject({
      reason: 'unlimited',
      status: 'trialing',
    })
    const lapsed = await workspace.becomes({ feature: 'leads' }, 'subscription_lapsed')
    expect(lapsed.unblock[0]).toEqual({ action: 'pay' })
    expect((await workspace.check({ feature: 'leads', intent: 'use' })).allowed).toBe(true)
    await workspace.subscribe({
      subscriptionId: 's2',
      plan: 'pro',
      status: 'active',
      termMonths: 6,
      periodEnd: end + 10 ** 10,
    })
    expect((await workspace.check({ feature: 'leads' })).reason).toBe('within_limit')
  })

  test('purchase inside a day: use of the trial does not eat the new allowance', async () => {
    const workspace = new TestWorkspace(system)
    const trial = { plan: 'trial', status: 'trialing', termMonths: 0 }
    await workspace.subscribe(trial, { type: 'trial_started' })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 700 })
    await workspace.counted()
    expect((await workspace.check({ feature: 'ai_credits' })).used).toBe(700)
    await workspace.subscribe({ plan: 'base', status: 'active', termMonths: 6, planSince: Date.now() })
    await workspace.counted()
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ used: 0, limit: 750 })
    await workspace.send('AiCallEvent', { function: 'summary', credits: 50 })
    await workspace.counted()
    expect((await workspace.check({ feature: 'ai_credits' })).used).toBe(50)
  })

  test('S6: a seat raises the limit for the very next check', async () => {
    const workspace = await onPlan('base')
    await workspace.subscribe({ seats: 4 }, { type: 'seats_changed' })
    expect((await workspace.check({ feature: 'leads' })).limit).toBe(10_000)
  })
})
