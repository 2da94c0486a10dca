import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS, toIso } from '#core/instant.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { inForce, ordersOf, readRoute } from '#test/helpers/acceptance.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { randomHistory, shuffled } from '#test/helpers/histories.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const LENGTH = 10
const WORKSPACES = 16
const rules = defaultCatalogue()

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

interface Version {
  readonly version: number
  readonly inForce: Readonly<Record<string, unknown>> | null
  readonly refusals: readonly unknown[]
}

async function historyOf(workspace: TestWorkspace): Promise<readonly Version[]> {
  return (await readRoute(workspace, '/subscription')).history
}

/** What the fold of a history in its own order says, in the words of the routes. */
function expectedOf(history: readonly SubscriptionEvent[]): object {
  const { state, changes } = foldVersions(history, () => rules)
  const { subscription } = state
  const orders = Object.values(state.orders).map(({ orderId, status, refused }) => [orderId, status, refused])
  return {
    current: subscription && [
      subscription.version,
      subscription.subscriptionId,
      subscription.status,
      subscription.plan,
      toIso(subscription.planSince),
      subscription.seats,
      toIso(subscription.periodEnd),
      subscription.addOns.map(({ quantity, until }) => [quantity, toIso(until)]),
      subscription.openOrder?.orderId ?? null,
    ],
    orders: orders.toSorted(),
    refusals: [...changes].map(([version, { refusals }]) => [version, refusals]),
  }
}

async function foundOf(workspace: TestWorkspace): Promise<object> {
  const [current, orders, history] = await Promise.all([
    inForce(workspace),
    ordersOf(workspace),
    historyOf(workspace),
  ])
  const addOns = (current?.['addOns'] ?? []) as { quantity: number; until: string }[]
  return {
    current: current && [
      ...['version', 'subscriptionId', 'status', 'plan', 'planSince', 'seats', 'periodEnd'].map(
        (name) => current[name],
      ),
      addOns.map(({ quantity, until }) => [quantity, until]),
      current['openOrderId'],
    ],
    orders: orders.map(({ orderId, status, refused }) => [orderId, status, refused]).toSorted(),
    refusals: history.map(({ version, refusals }) => [version, refusals]).toReversed(),
  }
}

test('G18: histories that arrive shuffled and twice over Kafka read as the fold of their order', async () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  const start = Date.now() - 20 * HOUR_MS
  const workspaces = Array.from({ length: WORKSPACES }, () => new TestWorkspace(system))
  const histories = workspaces.map(({ id }) => randomHistory({ workspace: id, length: LENGTH, start, below }))
  const arrivals = shuffled(histories.flat(), { below, times: 2 })
  for (const value of arrivals)
    await system.writer.write({ record: 'SubscriptionEvent', value: { ...value } })
  let equal = 0
  for (const [index, workspace] of workspaces.entries()) {
    await workspace.hasVersions(LENGTH, 60_000)
    expect(await foundOf(workspace), `seed ${seed}, ${workspace.id}`).toEqual(
      expectedOf(histories[index] ?? []),
    )
    equal += 1
  }
  process.stdout.write(
    `G18: ${arrivals.length} arrivals, ${equal}/${WORKSPACES} workspaces equal, seed ${seed}\n`,
  )
}, 120_000)
