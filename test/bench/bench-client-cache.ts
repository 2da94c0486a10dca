import { TallygateClient } from '#client/client.ts'
import { clampAmount, ZERO } from '#core/amount.ts'
import { type DecideItem, decideTogether } from '#core/entitlement/decide.ts'
import { resolveEntitlement } from '#core/entitlement/resolve.ts'
import { defaultCatalogue, START, subscriptionWith } from '#test/helpers/facts.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { median, medianRatio, ROUNDS, type Row } from './statistics.ts'

const CALLS = 1_000_000
/** Calls between two looks at the age of what is cached. */
const SLICE = 5_000
const WORKSPACES = 20
/** How old an answer may be: what the goal is stated for. */
const BOUND_MS = 250
const RENEW_MS = 100
const GOAL_PER_SECOND = 1_000_000
const ONE = clampAmount(1)

/**
 * The client's `checkCached`, and `check` from its cache, with answers at most 250 ms old, against a look-up in a map
 * and one decision of the core in the same process. What is cached is asked anew between slices, outside the time taken.
 */
export async function benchClientCache(system: System): Promise<readonly Row[]> {
  const workspaces: string[] = []
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({})
    workspaces.push(workspace.id)
  }
  const ask = (call: number) => ({ workspace: workspaces[call % WORKSPACES] ?? '', feature: 'leads' })
  let client = emptyClient(system)
  const renew = async (): Promise<void> => {
    client = emptyClient(system)
    await Promise.all(workspaces.map((_, index) => client.check(ask(index))))
  }
  const rates = { bare: [] as number[], cached: [] as number[], awaited: [] as number[] }
  const decides = decidingBy(workspaces)
  for (let round = 0; round <= ROUNDS; round += 1) {
    const limit = await perSecond(async () => undefined, decides)
    const cached = await perSecond(renew, (call) => isHit(client.checkCached(ask(call))?.cachedForMs))
    const awaited = await perSecond(renew, async (call) => isHit((await client.check(ask(call))).cachedForMs))
    if (round === 0) continue
    rates.bare.push(limit)
    rates.cached.push(cached)
    rates.awaited.push(awaited)
  }
  return [
    row(`client: checkCached, at most ${BOUND_MS} ms old`, rates.cached, rates.bare),
    row(`client: check from the cache, at most ${BOUND_MS} ms old, awaited`, rates.awaited, rates.bare),
  ]
}

function emptyClient({ api, key }: System): TallygateClient {
  return new TallygateClient({ url: api, key, cacheMs: BOUND_MS })
}

/** An answer that was just asked for is 0 ms old; from memory it is at least 1. */
function isHit(ageMs: number | undefined): boolean {
  return ageMs !== undefined && ageMs > 0 && ageMs <= BOUND_MS
}

/** What an answer costs without a client: everything it is decided from lies in a map. */
function decidingBy(workspaces: readonly string[]): (call: number) => boolean {
  const catalogue = defaultCatalogue()
  const [now, feature] = [START + 1, 'leads']
  const facts = { revision: '1.0.0', subscription: subscriptionWith(), overrides: {}, crossings: {} }
  const items = workspaces.map((workspace): [string, DecideItem] => {
    const entitlement = resolveEntitlement({ catalogue, facts, workspace, featureKey: feature, now })
    const request = { feature, quantity: ONE, intent: 'add' } as const
    const usage = { used: ZERO, held: ZERO, subjectIsMember: false, subjectIsHeld: false }
    return [workspace, { request, entitlement, usage, crossing: null }]
  })
  const known = new Map(items)
  return (call) => {
    const item = known.get(workspaces[call % WORKSPACES] ?? '')
    return item !== undefined && decideTogether({ catalogue, now, items: [item] }).allowed
  }
}

type Ask = (call: number) => boolean | Promise<boolean>

/** Calls a second, of slices that were answered from memory throughout; some are not, when the machine pauses for longer. */
async function perSecond(renew: () => Promise<void>, ask: Ask): Promise<number> {
  let [slices, missed, tookMs, renewedAt] = [0, 0, 0, Number.NEGATIVE_INFINITY]
  while (slices * SLICE < CALLS) {
    if (performance.now() - renewedAt > RENEW_MS) {
      renewedAt = performance.now()
      await renew()
    }
    const startedAt = performance.now()
    if (!(await isAnswered(ask, slices * SLICE))) missed += 1
    else {
      slices += 1
      tookMs += performance.now() - startedAt
    }
    if (missed * SLICE > CALLS) throw new Error('the cache answers less than half of the calls')
  }
  return CALLS / (tookMs / 1_000)
}

async function isAnswered(ask: Ask, from: number): Promise<boolean> {
  let hits = 0
  for (let call = from; call < from + SLICE; call += 1) {
    const answer = ask(call)
    if (typeof answer === 'boolean' ? answer : await answer) hits += 1
  }
  return hits === SLICE
}

function row(path: string, rates: readonly number[], limits: readonly number[]): Row {
  const rate = median(rates)
  return {
    path,
    figure: `${Math.round(rate)}/s`,
    limit: `a map look-up and decide ${Math.round(median(limits))}/s`,
    ratio: medianRatio(rates, limits),
    rounds: ROUNDS,
    goal: { text: '1,000,000/s', isMet: rate >= GOAL_PER_SECOND },
  }
}
