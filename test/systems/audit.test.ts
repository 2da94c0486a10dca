import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCli } from '#test/helpers/cli.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const dir = mkdtempSync(join(tmpdir(), 'tallygate-audit-'))
let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(async () => {
  rmSync(dir, { recursive: true })
  await system.stop()
})

interface Listed {
  readonly action: string
  readonly subject: string
  readonly before: unknown
  readonly after: unknown
}

async function listed(...args: readonly string[]): Promise<readonly Listed[]> {
  return JSON.parse((await runCli(system, ['audit', 'list', ...args, '--json'])).out).entries
}

async function faultsOf(place: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { out } = await runCli(system, ['audit', 'verify', ...args, '--json'])
  const { broken } = JSON.parse(out) as { broken: { entry: string; problem: string }[] }
  return broken.filter(({ entry }) => entry.includes(place)).map(({ problem }) => problem)
}

test('G28: who sets a counter through the API stands in the audit of its workspace, with what it said and says', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 12 })
  await workspace.counted()
  const occurredAt = new Date().toISOString()
  const own = { workspace: workspace.id, source: 'crm', occurredAt }
  const number = { subject: '+15550001', since: occurredAt }
  const members = { whatsapp_numbers: [number, number] }
  const events = [
    { ...own, record: 'MeterEvent', id: 'm1', meter: 'leads', quantity: 5, action: 'set' },
    { ...own, record: 'MeterEvent', id: 'm2', meter: 'leads', quantity: 1, action: 'add' },
    { ...own, record: 'UsageSnapshotEvent', id: 's1', levels: { contacts: 7 }, members, takenAt: occurredAt },
  ]
  expect(await (await workspace.post('/v1/events', { events })).json()).toMatchObject({ accepted: 3 })
  const { entries } = Object(await (await workspace.get('/audit')).json())
  const by = { kind: 'key', id: system.key.slice(8, 16), label: 'test' }
  expect(entries.filter(({ action }: Listed) => action === 'usage_set')).toMatchObject([
    {
      subject: 's1',
      by,
      before: { contacts: 0, whatsapp_numbers: 0 },
      after: { contacts: 7, whatsapp_numbers: 1 },
    },
    { subject: 'm1', by, before: { leads: 12 }, after: { leads: 5 } },
  ])
  expect((await listed('--workspace', workspace.id)).map(({ action }) => action)).toContain('usage_set')
  const corrections = system.mongo.db.collection<{ _id: string }>('audit')
  const _id = `~corrections/${workspace.id}/${'1'.padStart(19, '0')}`
  await corrections.updateOne({ _id }, { $set: { 'body.events.0.after.leads': 6 } })
  expect(await faultsOf(workspace.id, '--workspace', workspace.id)).toEqual([
    'it was changed after it was stored',
  ])
  await corrections.deleteOne({ _id })
})

test('G28: an import and a redrive are recorded before they send, with who and what', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const file = join(dir, 'counts.jsonl')
  writeFileSync(file, `${JSON.stringify({ workspace: workspace.id, levels: { leads: 3 } })}\n`)
  const takenAt = new Date(Date.now() - 1_000).toISOString()
  expect(await runCli(system, ['import', file, '--taken-at', takenAt])).toMatchObject({ code: 0 })
  const [ended, begun] = (await listed()).filter(({ subject }) => subject === file)
  expect(begun).toMatchObject({ action: 'import_begun', after: { takenAt } })
  expect(ended).toMatchObject({ action: 'import_ended', after: { sent: 1, refused: 0 } })
  expect(Object(ended?.after).sha256).toMatch(/^[0-9a-f]{64}$/)
  await workspace.send('AiCallEvent', { function: 'telepathy', credits: null })
  await workspace.counted()
  await runCli(system, ['redrive', '--workspace', workspace.id, '--yes'])
  expect(await listed()).toContainEqual(
    expect.objectContaining({
      action: 'redrive',
      after: expect.objectContaining({ workspace: workspace.id }),
    }),
  )
})

test('G28: usage that a file sets is recorded before it is sent; a file that only adds leaves no entry', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 12 })
  await workspace.counted()
  const now = new Date().toISOString()
  const about = { workspace: workspace.id, occurredAt: now, source: 'crm' }
  const set = {
    record: 'UsageSnapshotEvent',
    id: 's1',
    ...about,
    takenAt: now,
    levels: { leads: 5 },
    members: {},
  }
  const added = { record: 'LeadEvent', id: 'l1', ...about, leadId: 'l', action: 'created' }
  const file = join(dir, 'set.jsonl')
  writeFileSync(file, [set, added].map((event) => JSON.stringify(event)).join('\n'))
  expect(await runCli(system, ['produce', 'usage.events', file])).toMatchObject({ code: 0 })
  const { entries } = Object(await (await workspace.get('/audit')).json())
  expect(entries.filter(({ action }: Listed) => action === 'usage_set')).toMatchObject([
    { subject: 's1', by: { kind: 'cli' }, reason: file, before: { leads: 12 }, after: { leads: 5 } },
  ])
  expect((await listed('--workspace', workspace.id)).map(({ action }) => action)).toContain('usage_set')
})

test('G28: a key that may do more than was recorded, one that nobody made and an end taken back are found', async () => {
  const make = async (): Promise<string> => {
    const { out } = await runCli(system, ['key', 'create', '--scope', 'check', '--label', 'g28', '--json'])
    return JSON.parse(out).key.slice(8, 16)
  }
  const [wider, ended] = [await make(), await make()]
  await runCli(system, ['key', 'revoke', ended])
  expect([await faultsOf(wider), await faultsOf(ended)]).toEqual([[], []])
  const keys = system.mongo.db.collection<{ _id: string }>('keys')
  await keys.updateOne({ _id: wider }, { $set: { scopes: ['check', 'admin'] } })
  await keys.insertOne({ _id: 'nobodys1', ...{ scopes: ['admin'], workspaces: '*', label: '', hmac: '' } })
  await system.mongo.db.collection<{ _id: string }>('key_revocations').deleteMany({
    _id: { $gte: `${ended}/`, $lt: `${ended}0` },
  })
  expect(await faultsOf(wider)).toEqual([expect.stringContaining('may do other things')])
  expect(await faultsOf('nobodys1')).toEqual([expect.stringContaining('nobody is recorded')])
  expect(await faultsOf(ended)).toEqual([expect.stringContaining('revoke it again')])
  await runCli(system, ['key', 'revoke', ended])
  expect(await faultsOf(ended), 'revoked again, it ends').toEqual([])
  await keys.deleteMany({ _id: { $in: [wider, 'nobodys1'] } })
  const rotated = await runCli(system, ['key', 'rotate', ended])
  expect([rotated.code, rotated.out]).toEqual([2, ''])
  expect(rotated.err).toContain('in force')
})

test('G28: with the heads of an earlier check a last entry that was taken out is found', async () => {
  const workspace = new TestWorkspace(system)
  for (const limit of [1, 2]) await workspace.override('leads', { limit })
  const heads = join(dir, 'heads.json')
  const args = ['audit', 'verify', '--workspace', workspace.id, '--heads', heads]
  expect((await runCli(system, args)).code).toBe(0)
  await workspace.override('leads', { limit: 3 })
  expect((await runCli(system, args)).code, 'a chain may grow').toBe(0)
  const _id = `${workspace.id}/${'3'.padStart(19, '0')}`
  await system.mongo.db.collection<{ _id: string }>('audit').deleteOne({ _id })
  expect((await runCli(system, args.slice(0, 4))).code, 'without heads it looks whole').toBe(0)
  const found = await runCli(system, args)
  expect(found.code).toBe(1)
  expect(found.out).toContain(`audit/${workspace.id}: its last entry of the earlier check is gone`)
})

test('what was before and after a key is listed, too', async () => {
  const entries = await listed()
  expect(entries.find(({ action }) => action === 'key_created')?.after).toMatchObject({ workspaces: '*' })
})
