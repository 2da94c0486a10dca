import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SHARDS_DEFAULT, shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { runCli, runOnTerminal } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'

/** `IMPORT_WORKSPACES=100000` for the figure of docs/migration.md. */
const COUNT = Number(process.env['IMPORT_WORKSPACES'] ?? 2_000)
const TAKEN = new Date(Date.now() - 3_600_000).toISOString()
const YESTERDAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
const PATIENCE = 60_000 + COUNT * 3

const dir = mkdtempSync(join(tmpdir(), 'tallygate-import-'))
const file = join(dir, 'counts.jsonl')
let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true })
  await system.stop()
})

function workspaceOf(index: number): string {
  return `import-${index}`
}

function lineOf(index: number): object {
  return {
    workspace: workspaceOf(index),
    levels: { leads: index, contacts: 2 * index },
    members: { whatsapp_numbers: [`+1555${index}`] },
    used: { ai_credits: { [YESTERDAY]: (index % 700) + 1 } },
  }
}

/** What Redis holds of every workspace: leads, contacts, AI credits of yesterday, members. */
async function counters(): Promise<readonly (readonly (string | null)[])[]> {
  const day = YESTERDAY.replaceAll('-', '')
  const read = async (index: number): Promise<readonly (string | null)[]> => {
    const keys = shardKeys(shardOf(workspaceOf(index), SHARDS_DEFAULT))
    const numbers = system.redis.smembers(keys.members(workspaceOf(index), 'whatsapp_numbers'))
    const fields = ['leads', 'contacts', `ai_credits:${day}`]
    return [...(await system.redis.hmget(keys.usage(workspaceOf(index)), ...fields)), ...(await numbers)]
  }
  return Promise.all(Array.from({ length: COUNT }, (_, index) => read(index)))
}

const expected = Array.from({ length: COUNT }, (_, index) => {
  return [index, 2 * index, (index % 700) + 1, `+1555${index}`].map(String)
})

/** Imports the file; how long it takes until the last of it is counted, ms. */
async function load(): Promise<{ readonly out: string; readonly err: string; readonly countedMs: number }> {
  const startedAt = performance.now()
  const { code, out, err } = await runCli(system, ['import', file, '--taken-at', TAKEN, '--source', 'crm'])
  expect(code, err).toBe(1)
  const applied = async (): Promise<number> => {
    const text = await (await fetch(`${system.consumers}/metrics`)).text()
    const totals = [...text.matchAll(/^tallygate_usage_events_total\{[^}]*\} (\d+)/gm)]
    return totals.reduce((sum, [, total]) => sum + Number(total), 0)
  }
  await eventually(applied, (total) => total >= loads * COUNT * 2, {
    what: 'everything to be counted',
    withinMs: PATIENCE,
  })
  return { out, err, countedMs: performance.now() - startedAt }
}
let loads = 0

test(`import: ${COUNT} workspaces have the counts of the file, also after it was run again; refused lines are named`, {
  timeout: 2 * PATIENCE,
}, async () => {
  const lines = Array.from({ length: COUNT }, (_, index) => JSON.stringify(lineOf(index)))
  const bad = ['{"workspace": "acme", "levels": {"unicorns": 1}}', 'workspace,leads']
  writeFileSync(file, [...bad, ...lines].join('\n'))
  loads = 1
  const first = await load()
  expect(first.out).toMatch(
    new RegExp(
      `^${COUNT} workspaces sent as ${2 * COUNT} records, 2 refused; in [\\d.]+ s, \\d+ a second\n$`,
    ),
  )
  expect(first.err).toBe(
    `refused line 1: unknown_meter: the catalogue has no meter "unicorns" at that time\nrefused line 2: not a JSON object\n`,
  )
  expect(await counters()).toEqual(expected)
  loads = 2
  const second = await load()
  expect(await counters()).toEqual(expected)
  console.log(
    `${COUNT} workspaces: ${first.out.trim()}, counted after ${(first.countedMs / 1_000).toFixed(1)} s`,
  )
  console.log(`again: ${second.out.trim()}, counted after ${(second.countedMs / 1_000).toFixed(1)} s`)
})

test('import: a bar on a terminal says how much of the file is done, and how fast', async () => {
  const lines = ['none', ...Array.from({ length: 3 }, (_, index) => JSON.stringify(lineOf(index)))]
  writeFileSync(file, lines.join('\n'))
  const { code, out } = await runOnTerminal(system, ['import', file, '--taken-at', TAKEN])
  expect(code, out).toBe(1)
  const [moved, cleared] = ['\u001B[1G', '\u001B[2K']
  expect(out).toMatch(/-{20,} 0% · \S+ left · 0 lines · – a second/)
  expect(out).toContain(`${moved}${cleared}refused line 1: not a JSON object`)
  expect(out).toMatch(/={20,} 100% · 0s left · 4 lines · \d+ a second/)
  expect(out).toContain('3 workspaces sent as 6 records, 1 refused')
})

test('import: a newer count of the product replaces ours, and what differed is listed', async () => {
  const taken = new Date().toISOString()
  writeFileSync(file, JSON.stringify({ workspace: workspaceOf(7), takenAt: taken, levels: { leads: 9 } }))
  const { code, out } = await runCli(system, ['import', file])
  expect({ code, out }).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^1 workspaces sent as 1 records, 0 refused/),
  })
  const drift = await eventually(
    () => runCli(system, ['drift', '--workspace', workspaceOf(7), '--json']),
    (ran) => JSON.parse(ran.out).drifts.length === 1,
    { what: 'the difference to be listed' },
  )
  expect(JSON.parse(drift.out).drifts).toMatchObject([{ meter: 'leads', counted: 7, stated: 9 }])
})

test('import: under a source of its own the difference of a day is added to what is counted, once', async () => {
  const used = { ai_credits: { [YESTERDAY]: 12 } }
  writeFileSync(file, JSON.stringify({ workspace: workspaceOf(5), used }))
  const args = ['import', file, '--source', 'repair-1', '--taken-at', TAKEN]
  for (const _ of [1, 2]) expect(await runCli(system, args)).toMatchObject({ code: 0 })
  const day = ['usage', workspaceOf(5), 'ai_credits', '--from', YESTERDAY, '--to', YESTERDAY, '--json']
  await eventually(
    async () => JSON.parse((await runCli(system, day)).out).days as readonly { used: number }[],
    (days) => days[0]?.used === 6 + 12,
    { what: 'the difference to be counted' },
  )
  expect(await runCli(system, ['verify', '--workspace', workspaceOf(5)])).toMatchObject({ code: 0 })
})

test('verify finds the counters of an import as the log says', async () => {
  const ids = [0, COUNT - 1].map(workspaceOf)
  for (const id of ids) expect(await runCli(system, ['verify', '--workspace', id])).toMatchObject({ code: 0 })
})

test('import: exit code 2 without a file or with a time that is none', async () => {
  expect(await runCli(system, ['import', join(dir, 'nothing.jsonl')])).toMatchObject({ code: 2 })
  expect(await runCli(system, ['import', file, '--taken-at', 'lunch'])).toMatchObject({ code: 2 })
})
