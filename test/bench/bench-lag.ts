import { randomUUID } from 'node:crypto'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import type { System } from '#test/helpers/system.ts'
import { startThread, type Thread } from '#test/helpers/thread.ts'
import { percentile, type Row } from './statistics.ts'
import type { WriteOptions } from './steady-writes-thread.ts'

const PROBES = 300
/** So many that broker and processes have compiled what is hot: the first thousand wait for that, too. */
const WARM_UP = 1_000
const LOAD_PER_SECOND = 5_000
const LOADED = 50
const shards = allShardKeys(SHARDS_DEFAULT)
const prefix = `lag-${randomUUID().slice(0, 6)}`

/**
 * From the acknowledgement of an event to its count, while others arrive at a steady rate. The others are written from a thread of
 * their own: an acknowledgement is heard when it comes.
 */
export async function benchLag(system: System): Promise<readonly Row[]> {
  const load = await startLoad()
  const startedAt = performance.now()
  const lags: number[] = []
  for (let warmUp = 1; warmUp <= WARM_UP; warmUp += 1) await probeOnce(system, -warmUp)
  for (let probe = 0; probe < PROBES; probe += 1) lags.push(await probeOnce(system, probe))
  const rate = (await load.stop()) / ((performance.now() - startedAt) / 1_000)
  if (rate < 0.95 * LOAD_PER_SECOND) throw new Error(`only ${Math.round(rate)} events/s were written`)
  return [lagRow('p50', percentile(lags, 0.5), 15), lagRow('p99', percentile(lags, 0.99), 60)]
}

/** Writes for others from a thread of its own; says how many were written when it is stopped. */
function startLoad(): Promise<Thread<number>> {
  const workspaces = Array.from({ length: LOADED }, (_, index) => `${prefix}-load-${index}`)
  const options: WriteOptions = { addresses: engineAddresses(), perSecond: LOAD_PER_SECOND, workspaces }
  return startThread(new URL('./steady-writes-thread.ts', import.meta.url), options)
}

function lagRow(name: string, lagMs: number, goalMs: number): Row {
  return {
    path: `enforcement lag at ${LOAD_PER_SECOND.toLocaleString('en')} events/s, ${name}`,
    figure: `${lagMs.toFixed(1)} ms`,
    limit: '–',
    ratio: null,
    rounds: PROBES,
    goal: { text: `≤ ${goalMs} ms`, isMet: lagMs <= goalMs },
  }
}

async function probeOnce(system: System, probe: number): Promise<number> {
  const workspace = `${prefix}-probe-${probe}`
  const key = shards[shardOf(workspace, shards.length)]?.usage(workspace) ?? ''
  await send(system, workspace, 'p')
  const acknowledgedAt = performance.now()
  for (;;) {
    if ((await system.redis.hget(key, 'leads')) !== null) return performance.now() - acknowledgedAt
    if (performance.now() - acknowledgedAt > 30_000)
      throw new Error(`${workspace} was not counted within 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

async function send(system: System, workspace: string, id: string): Promise<void> {
  const value = { id, workspace, occurredAt: Date.now(), source: 'bench', leadId: id, action: 'created' }
  await system.writer.write({ record: 'LeadEvent', value })
}
