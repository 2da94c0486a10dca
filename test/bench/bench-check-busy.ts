import { randomUUID } from 'node:crypto'
import { allShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { openLoop, p99 } from '#test/helpers/open-loop.ts'
import type { System } from '#test/helpers/system.ts'
import { subscribed } from './bench-check.ts'
import { median, medianRatio, ROUNDS, type Row } from './statistics.ts'

const WORKSPACES = 1_000
const EVENTS = 300_000
/** Checks a second: what is left of two cores while counting takes one and the load its part. */
const PER_SECOND = 500
const SECONDS = 3
const GOAL = 2

/**
 * How long checks take while counting runs at full speed, against while it rests, at one rate, asking about the very
 * workspaces that are counted.
 */
export async function benchCheckBusy(system: System): Promise<readonly Row[]> {
  const workspaces = await subscribed(system, WORKSPACES)
  const tails = { idle: [] as number[], busy: [] as number[] }
  let left = EVENTS
  await tail(system, workspaces)
  for (let round = 0; round < ROUNDS; round += 1) {
    tails.idle.push(await tail(system, workspaces))
    await system.kill('consumers')
    const before = await counted(system, workspaces)
    await fill(system, workspaces)
    await system.start('consumers')
    await untilCounted(system, workspaces, before + 1)
    tails.busy.push(await tail(system, workspaces))
    left = Math.min(left, before + EVENTS - (await counted(system, workspaces)))
    await untilCounted(system, workspaces, before + EVENTS)
  }
  const ratio = medianRatio(tails.busy, tails.idle)
  return [
    {
      path: `check p99 while ingesting at full speed, ${PER_SECOND} checks/s`,
      figure: `${median(tails.busy).toFixed(1)} ms${left > 0 ? '' : ' (counted before the end)'}`,
      limit: `idle ${median(tails.idle).toFixed(1)} ms`,
      ratio,
      rounds: ROUNDS,
      goal: { text: `≤ ${GOAL}`, isMet: ratio <= GOAL },
    },
  ]
}

/** The time that all but one in a hundred checks take, ms. */
async function tail(system: System, workspaces: readonly string[]): Promise<number> {
  const questions = workspaces.map((workspace) => ({
    key: system.key,
    body: { workspace, feature: 'leads' },
  }))
  const url = `${system.api}/v1/check`
  const asked = await openLoop({ url, questions, perSecond: PER_SECOND, forMs: SECONDS * 1_000 })
  const failed = asked.filter(({ status }) => status !== 200)
  if (failed.length > 0) throw new Error(`${failed.length} checks were not answered 200`)
  return p99(asked)
}

async function fill(system: System, workspaces: readonly string[]): Promise<void> {
  const occurredAt = Date.now()
  const run = randomUUID().slice(0, 6)
  for (let from = 0; from < EVENTS; from += 5_000) {
    const writes = Array.from({ length: 5_000 }, (_, index) => {
      const id = `${run}-${from + index}`
      const workspace = workspaces[(from + index) % workspaces.length] ?? ''
      const value = { id, workspace, occurredAt, source: 'bench', leadId: id, action: 'created' }
      return system.writer.write({ record: 'LeadEvent', value })
    })
    await Promise.all(writes)
  }
}

async function untilCounted(system: System, workspaces: readonly string[], count: number): Promise<void> {
  await eventually(
    () => counted(system, workspaces),
    (sum) => sum >= count,
    { what: 'events to be counted', withinMs: 120_000 },
  )
}

async function counted(system: System, workspaces: readonly string[]): Promise<number> {
  const shards = allShardKeys(system.shards)
  const pipeline = system.redis.pipeline()
  for (const id of workspaces) pipeline.hget(shards[shardOf(id, shards.length)]?.usage(id) ?? '', 'leads')
  const replies = await pipeline.exec()
  return (replies ?? []).reduce((sum, [, count]) => sum + Number(count ?? 0), 0)
}
