import { afterAll, beforeAll, expect, test } from 'vitest'
import { FailModeAsks } from '#test/chaos/fail-mode-asks.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let rig: Rig
let asks: FailModeAsks
beforeAll(async () => {
  rig = await startRig({ settings: { CHECK_CACHE_MS: '0', CHECK_BUDGET_MS: '5000' } })
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({ plan: 'pro', seats: 2 })
  await workspace.counted()
  asks = new FailModeAsks(rig.system, workspace)
}, 120_000)
afterAll(() => rig.stop())

test('G26: decisions without figures are counted in a metric, by feature and reason, and told in the log', async () => {
  const counted = async (reason: string): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${rig.system.env['ADMIN_PORT']}/metrics`)).text()
    const lines = metrics.split('\n').filter((line) => line.startsWith('tallygate_decisions_total{'))
    const own = lines.filter(
      (line) => line.includes(`reason="${reason}"`) && line.includes('degraded="true"'),
    )
    return own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  const before = [await counted('degraded_allow'), await counted('degraded_deny')]
  rig.proxies.redis.set({ kind: 'reset' })
  try {
    expect((await asks.one('check, allow')).outcome).toBe('200 degraded_allow*')
    expect((await asks.one('check, deny')).outcome).toBe('200 degraded_deny*')
  } finally {
    rig.proxies.redis.set({ kind: 'pass' })
  }
  const after = [await counted('degraded_allow'), await counted('degraded_deny')]
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1])
  const lines = (): readonly string[] =>
    rig.system
      .wholeLogOf('api')
      .split('\n')
      .filter((line) => line.includes('made without figures'))
  await eventually(
    async () => lines().join(),
    (text) => /degraded_allow.*degraded_deny|degraded_deny.*degraded_allow/.test(text),
    {
      what: 'the line of the log that counts them',
      withinMs: 15_000,
    },
  )
})

test('G26: figures that take longer than a second are waited for where the budget allows it', async () => {
  rig.ownRedis.set({ kind: 'delay', ms: 800 })
  try {
    const { outcome, ms } = await asks.one('check, deny')
    expect(outcome).toBe('200 within_limit')
    expect(ms).toBeGreaterThan(1_000)
  } finally {
    rig.ownRedis.set({ kind: 'pass' })
  }
})
