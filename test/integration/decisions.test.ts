import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

interface Row {
  readonly minute: string
  readonly feature: string
  readonly reason: string
  readonly allowed: boolean
  readonly sampled: boolean
  readonly count: number
  readonly last: Readonly<Record<string, unknown>>
}

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

async function rowsOf(workspace: TestWorkspace, query = ''): Promise<readonly Row[]> {
  const response = await workspace.get(`/decisions${query}`)
  return Object(await response.json()).decisions
}

function total(rows: readonly Row[], reason: string): number {
  return rows.filter((row) => row.reason === reason).reduce((sum, { count }) => sum + count, 0)
}

test('why was it blocked: each denial is found by minute, feature and reason, with its figures and sentence', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 745 })
  await workspace.counted()
  for (let index = 0; index < 3; index += 1) await workspace.check({ feature: 'ai_credits', quantity: 10 })
  const items = [{ feature: 'salesbot' }, { feature: 'ai_credits', quantity: 6 }]
  await workspace.post('/v1/checks', { workspace: workspace.id, items })
  const rows = await eventually(
    () => rowsOf(workspace),
    (seen) => total(seen, 'limit_reached') === 4 && total(seen, 'feature_not_in_plan') === 1,
    { what: 'five denials in the log' },
  )
  const blocked = rows.find(({ reason }) => reason === 'limit_reached')
  expect(blocked).toMatchObject({ feature: 'ai_credits', allowed: false, sampled: false })
  expect(blocked?.last).toMatchObject({ used: 745, limit: 750, plan: 'base', status: 'active' })
  expect(blocked?.last['why']).toMatch(/^denied: \d+ > 750$/)
  expect(blocked?.minute).toMatch(/:00\.000Z$/)
  const [at = ''] = [blocked?.minute]
  const next = new Date(Date.parse(at) + 60_000).toISOString()
  const minute = await rowsOf(workspace, `?from=${at}&to=${next}&feature=ai_credits`)
  expect(new Set(minute.map((row) => row.minute))).toEqual(new Set([at]))
  expect(minute.every(({ feature }) => feature === 'ai_credits')).toBe(true)
  const before = new Date(Date.parse(at) - HOUR_MS).toISOString()
  expect(await rowsOf(workspace, `?to=${before}`)).toEqual([])
})

test('what one process counted another one tells: the log survives the API', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.check({ feature: 'api_access' })
  await eventually(
    () => rowsOf(workspace),
    (rows) => total(rows, 'feature_not_in_plan') === 1,
    { what: 'the first denial' },
  )
  await system.kill('api')
  await system.start('api')
  await workspace.check({ feature: 'api_access' })
  await eventually(
    () => rowsOf(workspace),
    (rows) => total(rows, 'feature_not_in_plan') === 2,
    { what: 'both denials together' },
  )
})

test('G21: an unknown workspace has no log, and a span that is none names the field', async () => {
  const workspace = new TestWorkspace(system)
  expect((await workspace.get('/decisions')).status).toBe(404)
  const response = await workspace.get('/decisions?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')
  expect(await response.json()).toMatchObject({ code: 'invalid_request', field: 'from' })
})
