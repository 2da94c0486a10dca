import { SHARDS_DEFAULT, shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { answered, eventually } from './eventually.ts'
import type { System } from './system.ts'
import type { SeenDecision, TestWorkspace } from './workspace.ts'

/** An order as billing sends it: paid by card in dollars, until it says otherwise. */
export function order(change: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const paid = {
    orderId: 'o9',
    kind: 'purchase',
    status: 'paid',
    amountMinor: 9_000,
    currency: 'USD',
    method: 'card',
  }
  const placedAt = Number(change['placedAt'] ?? Date.now())
  return { ...paid, installments: 1, placedAt, paidAt: null, attempt: null, ...change }
}

/** One try to charge an order. */
export function attempt(state: 'processing' | 'failed' | 'succeeded', at: number): object {
  return { state, at, reason: null }
}

/**
 * What a route of a workspace answers.
 *
 * Asks again while it says 503, as a client does: MongoDB has 3 s for a page, and a busy machine may take longer.
 */
export async function readRoute(workspace: TestWorkspace, path: string) {
  const response = await answered(() => workspace.get(path), `${path} of ${workspace.id}`)
  const body = await response.json()
  if (!response.ok) throw new Error(`${path} of ${workspace.id}: ${response.status} ${JSON.stringify(body)}`)
  return Object(body)
}

/** What `GET …/subscription` says is in force; null before anything was accepted. */
export async function inForce(workspace: TestWorkspace): Promise<Readonly<Record<string, unknown>> | null> {
  return (await readRoute(workspace, '/subscription')).current
}

/** The orders of a workspace, as they are read. */
export async function ordersOf(
  workspace: TestWorkspace,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await readRoute(workspace, '/orders')).orders
}

/** One feature of `GET …/entitlements`. */
export async function entitled(
  workspace: TestWorkspace,
  feature: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { entitlements } = await readRoute(workspace, '/entitlements')
  return entitlements.find((one: { feature: string }) => one.feature === feature)
}

/** What a check answers as of some past instants. */
export async function answersAt(
  workspace: TestWorkspace,
  question: Readonly<Record<string, unknown>>,
  instants: readonly number[],
): Promise<readonly SeenDecision[]> {
  return Promise.all(
    instants.map((instant) => workspace.check({ ...question, at: new Date(instant).toISOString() })),
  )
}

/** The reasons of what a check answers as of some past instants. */
export async function reasonsAt(
  workspace: TestWorkspace,
  question: Readonly<Record<string, unknown>>,
  instants: readonly number[],
): Promise<readonly string[]> {
  return (await answersAt(workspace, question, instants)).map(({ reason }) => reason)
}

/** Waits until all that changed so far was compared with the limits. */
export async function judged(system: System, { id }: TestWorkspace): Promise<void> {
  const { judge } = shardKeys(shardOf(id, SHARDS_DEFAULT))
  await eventually(
    () => system.redis.hexists(judge, id),
    (isWaiting) => isWaiting === 0,
    { what: `${id} to be judged` },
  )
}

/** The names of the ways out of a denial, in their order. */
export function waysOut({ unblock }: SeenDecision): readonly unknown[] {
  return unblock.map(({ action }) => action)
}
