import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MINUTE_MS, toIso } from '#core/instant.ts'
import { allShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { scanShard } from '#drivers/redis/scan-shard.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'

/** `make soak` sends 100,000. */
const IDS = Number(process.env['G3_IDS'] ?? 5_000)
const WORKSPACES = 50
const BATCH = 1_000

let system: System
let dir: string
beforeAll(async () => {
  system = await sharedSystem()
  dir = mkdtempSync(join(tmpdir(), 'tallygate-copies-'))
})
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true })
  await system.stop()
})

interface Lead {
  readonly id: string
  readonly workspace: string
  readonly leadId: string
}

/** When all of it happened. */
const occurredAt = Date.now() - 10 * MINUTE_MS

/** The same bytes each time. */
function sentOf(lead: Lead): Lead & Readonly<Record<string, string | number>> {
  return { ...lead, source: 'crm', action: 'created', occurredAt }
}

/** Sends events of one batch after another, each so many times within its batch. */
async function send(leads: readonly Lead[], { copies, appendedAt }: Sending): Promise<void> {
  const headers = appendedAt === undefined ? {} : { 'tallygate-append-time': String(appendedAt) }
  for (let from = 0; from < leads.length; from += BATCH) {
    const batch = leads.slice(from, from + BATCH)
    const writes = Array.from({ length: copies }, () =>
      batch.map((lead) => system.writer.write({ record: 'LeadEvent', value: sentOf(lead), headers })),
    )
    await Promise.all(writes.flat())
  }
}

interface Sending {
  readonly copies: number
  /** When the log took them, by the header that an import uses; left out for now. */
  readonly appendedAt?: number
}

async function countOf(workspace: string): Promise<number> {
  const keys = allShardKeys(system.shards)[shardOf(workspace, system.shards)]
  return Number(await system.redis.hget(keys?.usage(workspace) ?? '', 'leads'))
}

/** Of all sets of event ids: how many ids, and their bytes. */
async function dedupeSize(): Promise<{ readonly ids: number; readonly bytes: number }> {
  let [ids, bytes] = [0, 0]
  for (const keys of allShardKeys(system.shards)) {
    const names = new Set<string>()
    for await (const found of scanShard(system.redis, keys, `${keys.prefix}d:`))
      found.map((key) => names.add(key))
    for (const key of names) {
      ids += await system.redis.scard(key)
      bytes += Number(await system.redis.memory('USAGE', key, 'SAMPLES', 0))
    }
  }
  return { ids, bytes }
}

test('G3: each id in one batch, in the next, ten minutes later and by another process counts once', async () => {
  const seed = seedOfRun()
  const below = seededRandom(seed)
  const leads = Array.from({ length: IDS }, (_, index): Lead => {
    const id = `c${index}`
    return { id, workspace: `copies${seed}-${below(WORKSPACES)}`, leadId: id }
  })
  const wanted = new Map<string, number>()
  for (const { workspace } of leads) wanted.set(workspace, (wanted.get(workspace) ?? 0) + 1)
  const before = await dedupeSize()
  await send(leads, { copies: 2, appendedAt: occurredAt })
  await send(leads, { copies: 1, appendedAt: occurredAt })
  await send(leads, { copies: 1 })
  const file = join(dir, 'copies.jsonl')
  const last = [...wanted.keys()].map((workspace): Lead => ({ id: 'last', workspace, leadId: 'last' }))
  const line = (lead: Lead): string =>
    JSON.stringify({ record: 'LeadEvent', ...sentOf(lead), occurredAt: toIso(occurredAt) })
  writeFileSync(file, [...leads, ...last].map(line).join('\n'))
  expect(await runCli(system, ['produce', 'usage.events', file])).toMatchObject({ code: 0 })
  const counts = await eventually(
    async () =>
      new Map(await Promise.all([...wanted.keys()].map(async (id) => [id, await countOf(id)] as const))),
    (seen) => [...wanted].every(([id, count]) => (seen.get(id) ?? 0) >= count + 1),
    { what: `${IDS} ids and a last one of each workspace, seed ${seed}`, withinMs: 120_000 },
  )
  const wrong = [...wanted].filter(([id, count]) => counts.get(id) !== count + 1)
  const after = await dedupeSize()
  const perId = (after.bytes - before.bytes) / (after.ids - before.ids)
  process.stdout.write(
    `G3: ${IDS} ids five times each, ${wrong.length} wrong counters, ${perId.toFixed(1)} bytes an id, seed ${seed}\n`,
  )
  expect(wrong, `seed ${seed}`).toEqual([])
  expect(after.ids - before.ids).toBe(IDS + wanted.size)
}, 300_000)
