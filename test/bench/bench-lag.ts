import { randomUUID } from 'node:crypto'
import { engineAddresses } from '#test/helpers/addresses.ts'
import type { System } from '#test/helpers/system.ts'
import { startThread, type Thread } from '#test/helpers/thread.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { type BareLag, openBareLag } from './bare-lag.ts'
import { median, medianRatio, percentile, ROUNDS, type Row } from './statistics.ts'
import type { WriteOptions } from './steady-writes-thread.ts'

/** Of each round, ours and bare ones in turn. */
const PROBES = 200
/** So many that broker and processes have compiled what is hot: the first thousand wait for that, too. */
const WARM_UP = 1_000
const LOAD_PER_SECOND = 5_000
const LOADED = 50
/** Workspaces that are asked about, in turn. */
const PROBED = 20
const prefix = `lag-${randomUUID().slice(0, 6)}`
let probes = 0

/** Lags of a round, ms. */
interface Lags {
  readonly ours: number[]
  readonly bare: number[]
}

/**
 * From the moment an event is sent to the first check that counts it, while others arrive at a steady rate, against a bare produce,
 * fetch and script beside them. The others are written from a thread of their own: an acknowledgement is heard when it comes.
 */
export async function benchLag(system: System): Promise<readonly Row[]> {
  const bare = await openBareLag(engineAddresses())
  const workspaces = Array.from({ length: PROBED }, () => new TestWorkspace(system))
  await Promise.all(workspaces.map((workspace) => workspace.subscribe({ plan: 'pro' })))
  const load = await startLoad()
  const startedAt = performance.now()
  const probing = { system, bare, workspaces }
  await probe({ ...probing, count: WARM_UP })
  const rounds: Lags[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await probe({ ...probing, count: PROBES }))
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
  readonly workspaces: readonly TestWorkspace[]
  readonly count: number
}

/** Events that are waited for one after another, ours and bare ones in turn. */
async function probe({ system, bare, workspaces, count }: Probing): Promise<Lags> {
  const lags: Lags = { ours: [], bare: [] }
  for (let turn = 0; turn < count; turn += 1) {
    const number = probes++
    const workspace = workspaces[number % workspaces.length]
    if (workspace === undefined) throw new RangeError('no workspace is probed')
    const used = Math.floor(number / workspaces.length) + 1
    const isSeen = async (): Promise<boolean> => (await workspace.check({ feature: 'leads' })).used >= used
    const write = (): Promise<void> =>
      workspace.send('LeadEvent', { leadId: `l${number}`, action: 'created' })
    lags.ours.push(await lagOf(write, isSeen))
    const name = `${prefix}-${number}`
    const isCounted = async (): Promise<boolean> =>
      (await system.redis.hget(bare.keyOf(name), 'leads')) !== null
    lags.bare.push(await lagOf(() => bare.write(name), isCounted))
  }
  return lags
}

/** From the moment something is written until it is seen, ms. */
async function lagOf(write: () => Promise<void>, isSeen: () => Promise<boolean>): Promise<number> {
  const sentAt = performance.now()
  await write()
  while (!(await isSeen())) {
    if (performance.now() - sentAt > 30_000) throw new Error('an event was not seen within 30 s')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return performance.now() - sentAt
}
