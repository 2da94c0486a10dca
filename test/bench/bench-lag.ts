import { randomUUID } from 'node:crypto'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import type { System } from '#test/helpers/system.ts'
import { startThread, type Thread } from '#test/helpers/thread.ts'
import { type BareLag, openBareLag } from './bare-lag.ts'
import { median, medianRatio, percentile, ROUNDS, type Row } from './statistics.ts'
import type { WriteOptions } from './steady-writes-thread.ts'

/** Of each round, ours and bare ones in turn. */
const PROBES = 200
/** So many that broker and processes have compiled what is hot: the first thousand wait for that, too. */
const WARM_UP = 1_000
const LOAD_PER_SECOND = 5_000
const LOADED = 50
const shards = allShardKeys(SHARDS_DEFAULT)
const prefix = `lag-${randomUUID().slice(0, 6)}`
let probes = 0

/** Lags of a round, ms. */
interface Lags {
  readonly ours: number[]
  readonly bare: number[]
}

/**
 * From the acknowledgement of an event to its count, while others arrive at a steady rate, against a bare produce, fetch and script
 * beside them. The others are written from a thread of their own: an acknowledgement is heard when it comes.
 */
export async function benchLag(system: System): Promise<readonly Row[]> {
  const bare = await openBareLag(engineAddresses())
  const load = await startLoad()
  const startedAt = performance.now()
  await probe({ system, bare, count: WARM_UP })
  const rounds: Lags[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await probe({ system, bare, count: PROBES }))
  const rate = (await load.stop()) / ((performance.now() - startedAt) / 1_000)
  await bare.close()
  if (rate < 0.95 * LOAD_PER_SECOND) throw new Error(`only ${Math.round(rate)} events/s were written`)
  return [
    lagRow({ name: 'p50', share: 0.5, ms: 15 }, rounds),
    lagRow({ name: 'p99', share: 0.99, ms: 60 }, rounds),
  ]
}

/** Writes for others from a thread of its own; says how many were written when it is stopped. */
function startLoad(): Promise<Thread<number>> {
  const workspaces = Array.from({ length: LOADED }, (_, index) => `${prefix}-load-${index}`)
  const options: WriteOptions = { addresses: engineAddresses(), perSecond: LOAD_PER_SECOND, workspaces }
  return startThread(new URL('./steady-writes-thread.ts', import.meta.url), options)
}

interface LagGoal {
  readonly name: string
  readonly share: number
  readonly ms: number
}

function lagRow({ name, share, ms }: LagGoal, rounds: readonly Lags[]): Row {
  const ours = rounds.map((lags) => percentile(lags.ours, share))
  const bare = rounds.map((lags) => percentile(lags.bare, share))
  return {
    path: `enforcement lag at ${LOAD_PER_SECOND.toLocaleString('en')} events/s, ${name}`,
    figure: `${median(ours).toFixed(1)} ms`,
    limit: `produce, fetch and one script ${median(bare).toFixed(1)} ms`,
    ratio: medianRatio(ours, bare),
    rounds: ROUNDS,
    goal: { text: `≤ ${ms} ms`, isMet: median(ours) <= ms },
  }
}

interface Probing {
  readonly system: System
  readonly bare: BareLag
  readonly count: number
}

/** Events that are waited for one after another, ours and bare ones in turn. */
async function probe({ system, bare, count }: Probing): Promise<Lags> {
  const lags: Lags = { ours: [], bare: [] }
  for (let turn = 0; turn < count; turn += 1) {
    const workspace = `${prefix}-probe-${probes++}`
    const key = shards[shardOf(workspace, shards.length)]?.usage(workspace) ?? ''
    await send(system, workspace, 'p')
    lags.ours.push(await untilCounted(system, key))
    await bare.write(workspace)
    lags.bare.push(await untilCounted(system, bare.keyOf(workspace)))
  }
  return lags
}

/** Until an event that was just acknowledged is counted, ms. */
async function untilCounted({ redis }: System, key: string): Promise<number> {
  const acknowledgedAt = performance.now()
  for (;;) {
    if ((await redis.hget(key, 'leads')) !== null) return performance.now() - acknowledgedAt
    if (performance.now() - acknowledgedAt > 30_000) throw new Error(`${key} was not counted within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function send(system: System, workspace: string, id: string): Promise<void> {
  const value = { id, workspace, occurredAt: Date.now(), source: 'bench', leadId: id, action: 'created' }
  await system.writer.write({ record: 'LeadEvent', value })
}
