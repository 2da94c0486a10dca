import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { type SeenDecision, TestWorkspace } from '#test/helpers/workspace.ts'

const NOW = Date.now()

let system: System
let workspace: TestWorkspace

function daysAgo(days: number): number {
  return NOW - days * DAY_MS
}

beforeAll(async () => {
  system = await sharedSystem()
  workspace = new TestWorkspace(system)
  const anchorDay = new Date(daysAgo(9)).getUTCDate()
  await workspace.subscribe(
    { plan: 'advanced', planSince: daysAgo(9), anchorDay },
    { occurredAt: daysAgo(9) },
  )
  await workspace.send('AiCallEvent', { function: 'summary', credits: 700 }, daysAgo(7))
  await workspace.send('AiCallEvent', { function: 'summary', credits: 600 }, daysAgo(4))
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 100 }, daysAgo(7))
  await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 40 }, daysAgo(4))
  await workspace.counted()
  await workspace.subscribe({ plan: 'pro' }, { type: 'upgraded' })
})
afterAll(() => system.stop())

interface Traced extends SeenDecision {
  readonly trace: readonly { readonly step: string; readonly detail: string }[]
}

async function at(days: number, feature: string): Promise<Traced> {
  const question = { feature, explain: true, at: new Date(daysAgo(days)).toISOString() }
  return (await workspace.check(question)) as Traced
}

function known(decision: Traced): readonly string[] {
  return decision.trace.filter(({ step }) => step === 'history').map(({ detail }) => detail)
}

describe('a check with a past instant answers from history', () => {
  test('the plan, the limit and the use of then, and the denial that now would not be', async () => {
    expect(await at(5, 'ai_credits')).toMatchObject({
      allowed: true,
      plan: 'advanced',
      limit: 1_250,
      used: 700,
      exact: false,
    })
    expect(await at(2, 'ai_credits')).toMatchObject({ allowed: false, reason: 'limit_reached', used: 1_300 })
    expect(await workspace.check({ feature: 'ai_credits' })).toMatchObject({ allowed: true, plan: 'pro' })
  })

  test('a stock is the last level of then', async () => {
    expect((await at(5, 'leads')).used).toBe(100)
    expect((await at(2, 'leads')).used).toBe(60)
  })

  test('before the first version there was no subscription', async () => {
    expect(await at(20, 'leads')).toMatchObject({ allowed: false, reason: 'no_subscription', plan: null })
  })

  test('the trace begins with what cannot be known', async () => {
    const details = known(await at(4, 'leads'))
    expect(details[0]).toMatch(/^answered from history as of /)
    expect(details.join('\n')).toMatch(/no catalogue was stored by then/)
    expect(details.join('\n')).toMatch(/leads is kept by day: it went from 100 to 60/)
    expect(details.join('\n')).toMatch(/1 of 2 versions of the subscription had happened/)
  })
})
