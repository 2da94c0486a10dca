import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, startOfDay } from '#core/instant.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

/** Whether so many AI credits, used at an instant, are admitted; what was used in that window, and why. */
async function consume(
  workspace: TestWorkspace,
  { id, quantity, at }: { readonly id: string; readonly quantity: number; readonly at: number },
): Promise<readonly unknown[]> {
  const items = [{ feature: 'ai_credits', quantity }]
  const occurredAt = new Date(at).toISOString()
  const response = await workspace.post('/v1/consume', { workspace: workspace.id, id, occurredAt, items })
  const { allowed, decisions } = Object(await response.json())
  return [response.status, allowed, decisions[0].used + decisions[0].held, decisions[0].reason]
}

test('G7: what happened before a window turned is compared with the window that it is counted in', async () => {
  const now = Date.now()
  const midnight = startOfDay(now)
  const start = now - 100 * DAY_MS
  const term = { periodStart: start, periodEnd: start + 365 * DAY_MS, planSince: start }
  const workspace = new TestWorkspace(system)
  const anchorDay = new Date(midnight).getUTCDate()
  await workspace.subscribe({ plan: 'base', ...term, anchorDay }, { occurredAt: start })
  const yesterday = midnight - 1
  expect(await consume(workspace, { id: 'a', quantity: 500, at: yesterday })).toEqual([
    200,
    true,
    0,
    'within_limit',
  ])
  for (const id of ['b', 'c'])
    expect(await consume(workspace, { id, quantity: 500, at: yesterday })).toEqual([
      200,
      false,
      500,
      'limit_reached',
    ])
  await workspace.counted()
  expect((await consume(workspace, { id: 'd', quantity: 500, at: yesterday })).slice(1, 3)).toEqual([
    false,
    500,
  ])
  expect(await consume(workspace, { id: 'e', quantity: 750, at: now })).toEqual([
    200,
    true,
    0,
    'within_limit',
  ])
})

test('G7: before a window that began inside its month, the rest of that month counts, with the day of the turn', async () => {
  const now = Date.now()
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base', periodStart: now, periodEnd: now + 182 * DAY_MS, planSince: now })
  const before = now - 1_000
  expect((await consume(workspace, { id: 'a', quantity: 750, at: before }))[1]).toBe(true)
  await workspace.counted()
  expect((await consume(workspace, { id: 'b', quantity: 1, at: before }))[1]).toBe(false)
})
