import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf } from '#core/instant.ts'
import { dayField } from '#core/usage/counter-fields.ts'
import { shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const LIMIT = 400
const WORKERS = 8

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

/** What Redis has counted of a workspace's credits, each time with when it was seen. */
class Watch {
  readonly #seen: { readonly at: number; readonly used: number }[] = []
  #isOver = false

  async start(workspace: string): Promise<void> {
    const usage = shardKeys(shardOf(workspace, system.shards)).usage(workspace)
    const days = [Date.now(), Date.now() + DAY_MS].map((at) => dayField('ai_credits', dayOf(at)))
    while (!this.#isOver) {
      const counted = await system.redis.hmget(usage, ...days)
      const used = counted.reduce((sum, units) => sum + Number(units ?? 0), 0)
      this.#seen.push({ at: performance.now(), used })
    }
  }

  stop(): void {
    this.#isOver = true
  }

  get used(): number {
    return this.#seen.at(-1)?.used ?? 0
  }

  /** When so many were seen to be counted. */
  countedAt(count: number): number {
    return this.#seen.find(({ used }) => used >= count)?.at ?? Number.POSITIVE_INFINITY
  }

  /** How many had been seen to be counted by then. */
  countedBy(time: number): number {
    return this.#seen.findLast(({ at }) => at <= time)?.used ?? 0
  }
}

/** Asks, and sends one event where it may, until it may not. */
async function work(workspace: TestWorkspace, sentAt: number[]): Promise<void> {
  for (;;) {
    const { allowed } = await workspace.check({ feature: 'ai_credits', quantity: 1 })
    if (!allowed || sentAt.length > 3 * LIMIT) return
    await workspace.send('AiCallEvent', { function: 'reply_suggestion', credits: 1 })
    sentAt.push(performance.now())
  }
}

test('G8: products that ask and then send go over by no more than what is under way, and one each', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.override('ai_credits', { limit: LIMIT })
  const watch = new Watch()
  const watching = watch.start(workspace.id)
  const sentAt: number[] = []
  await Promise.all(Array.from({ length: WORKERS }, () => work(workspace, sentAt)))
  await eventually(
    async () => watch.used,
    (used) => used >= sentAt.length,
    { what: 'all to be counted' },
  )
  watch.stop()
  await watching
  const lags = sentAt
    .map((at, index) => watch.countedAt(index + 1) - at)
    .toSorted((one, other) => one - other)
  const lagMs = Math.max(lags[Math.ceil(0.99 * lags.length) - 1] ?? 0, 0)
  const seconds = ((sentAt.at(-1) ?? 0) - (sentAt[0] ?? 0)) / 1_000
  const rate = sentAt.length / seconds
  // Rate times lag is how many are under way as a rule; a rate has its bursts, so that they are counted.
  const underWay = Math.max(...sentAt.map((at, index) => index + 1 - watch.countedBy(at)))
  const bound = underWay + WORKERS
  const overshoot = watch.used - LIMIT
  process.stdout.write(
    `G8: ${sentAt.length} events at ${rate.toFixed(0)}/s, lag p99 ${lagMs.toFixed(1)} ms, ${underWay} under way at most ` +
      `(rate × lag ${((rate * lagMs) / 1_000).toFixed(0)}), overshoot ${overshoot}, bound ${bound}\n`,
  )
  expect(watch.used).toBe(sentAt.length)
  expect(overshoot).toBeGreaterThanOrEqual(0)
  expect(overshoot).toBeLessThanOrEqual(bound)
})
