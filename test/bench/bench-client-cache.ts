import { TallygateClient } from '#client/client.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { median, type Row } from './statistics.ts'

const ROUNDS = 5
const CALLS = 1_000_000
const WORKSPACES = 20
const GOAL_PER_SECOND = 1_000_000

/**
 * The client's `checkCached`, and `check` from its cache, against the least that could answer in the same process: one
 * look-up in a map and one comparison with the time and the rest.
 */
export async function benchClientCache(system: System): Promise<readonly Row[]> {
  const workspaces: string[] = []
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({})
    workspaces.push(workspace.id)
  }
  const client = new TallygateClient({ url: system.api, key: system.key, cacheMs: 10_000 })
  const ask = (workspace: string) => ({ workspace, feature: 'leads' })
  const rates = { bare: [] as number[], cached: [] as number[], awaited: [] as number[] }
  for (let round = 0; round <= ROUNDS; round += 1) {
    const until = performance.now() + 10_000
    const bare = new Map(workspaces.map((id) => [id, { remaining: 100, until }]))
    await Promise.all(workspaces.map((workspace) => client.check(ask(workspace))))
    const limit = await perSecond((call) => {
      const known = bare.get(workspaces[call % WORKSPACES] ?? '')
      return known !== undefined && performance.now() < known.until && known.remaining >= 1
    })
    const cached = await perSecond(
      (call) => client.checkCached(ask(workspaces[call % WORKSPACES] ?? '')) !== null,
    )
    const awaited = await perSecond(async (call) => {
      return (await client.check(ask(workspaces[call % WORKSPACES] ?? ''))).cachedForMs > 0
    })
    if (round === 0) continue
    rates.bare.push(limit)
    rates.cached.push(cached)
    rates.awaited.push(awaited)
  }
  const limit = median(rates.bare)
  return [
    row('client: checkCached, in process', median(rates.cached), limit),
    row('client: check from the cache, awaited', median(rates.awaited), limit),
  ]
}

/** Calls a second; every one of them must have been answered from memory. */
async function perSecond(hit: (call: number) => boolean | Promise<boolean>): Promise<number> {
  const startedAt = performance.now()
  for (let call = 0; call < CALLS; call += 1) {
    const answer = hit(call)
    if (!(typeof answer === 'boolean' ? answer : await answer)) throw new Error(`call ${call} was not cached`)
  }
  return CALLS / ((performance.now() - startedAt) / 1_000)
}

function row(path: string, rate: number, limit: number): Row {
  return {
    path,
    figure: `${Math.round(rate)}/s`,
    limit: `look-up and comparison ${Math.round(limit)}/s`,
    ratio: rate / limit,
    rounds: ROUNDS,
    goal: { text: '1,000,000/s', isMet: rate >= GOAL_PER_SECOND },
  }
}
