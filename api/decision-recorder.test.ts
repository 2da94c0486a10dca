import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import type { DecisionCount } from '#core/decisions/decision-count.ts'
import { KINDS_MAX } from '#core/decisions/decision-gatherer.ts'
import type { Decision } from '#core/entitlement/decision.ts'
import { DecisionRecorder } from './decision-recorder.ts'

const denial: Decision = {
  allowed: false,
  reason: 'limit_reached',
  workspace: 'acme',
  feature: 'leads',
  quantity: 1 as Amount,
  limit: 10 as Amount,
  used: 10 as Amount,
  held: 0 as Amount,
  remaining: 0 as Amount,
  unlimited: false,
  window: null,
  resetsAt: null,
  plan: 'base',
  planVersion: '2020-01-01',
  status: 'active',
  overLimit: null,
  unblock: [],
  trace: [],
  asOf: 0,
  lagMs: 0,
  exact: true,
  degraded: false,
}

/** A store that keeps batches by name, and whose next call ends as the test says. */
class Store {
  readonly batches = new Map<string, readonly DecisionCount[]>()
  isDown = false
  answer = Promise.resolve()

  async add(batch: string, counts: readonly DecisionCount[]): Promise<void> {
    await this.answer
    if (this.isDown) throw new Error('MongoDB is away')
    this.batches.set(batch, counts)
  }

  get total(): number {
    return [...this.batches.values()].flat().reduce((sum, { count }) => sum + count, 0)
  }
}

function recorderOn(store: Store): { readonly recorder: DecisionRecorder; readonly dropped: () => number } {
  let dropped = 0
  const recorder = new DecisionRecorder({
    store,
    name: 'api-1',
    now: () => 1_000,
    log: { warn: () => undefined },
    onDropped: (decisions) => {
      dropped += decisions
    },
  })
  return { recorder, dropped: () => dropped }
}

test('while the store is away nothing fails, and what was counted comes later, once', async () => {
  const store = new Store()
  const { recorder } = recorderOn(store)
  store.isDown = true
  recorder.note(denial)
  await recorder.flush()
  recorder.note(denial)
  recorder.note(denial)
  await recorder.flush()
  expect(store.total).toBe(0)
  store.isDown = false
  await recorder.stop()
  expect(store.total).toBe(3)
  expect([...store.batches.keys()]).toEqual(['api-1-1', 'api-1-2'])
})

test('a store that does not answer holds nobody up, and memory stays bounded', async () => {
  const store = new Store()
  const { promise: answer, resolve } = Promise.withResolvers<void>()
  store.answer = answer
  const { recorder, dropped } = recorderOn(store)
  recorder.note(denial)
  void recorder.flush()
  for (let index = 0; index < 3 * KINDS_MAX; index += 1) recorder.note({ ...denial, workspace: `w${index}` })
  expect(store.total, 'nobody waited for it').toBe(0)
  resolve()
  await recorder.stop()
  expect(store.total).toBe(1 + KINDS_MAX)
  expect(dropped()).toBe(2 * KINDS_MAX)
})
