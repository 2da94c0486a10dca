import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { type Ran, runCli, runOnOpenInput } from '#test/helpers/cli.ts'
import { rememberLeadsAs } from '#test/helpers/remembered-schema.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let workspace: TestWorkspace
const dir = mkdtempSync(join(tmpdir(), 'tallygate-cli-'))

beforeAll(async () => {
  system = await sharedSystem()
  workspace = new TestWorkspace(system)
  await workspace.subscribe({})
})
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true })
  await system.stop()
})

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return runCli(system, args, env)
}

test('check: exit code 0 when allowed, 1 when denied, 2 for a wrong question, 3 when nothing answers', async () => {
  expect(await run(['check', workspace.id, 'leads'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('allowed within_limit'),
  })
  const denied = await run(['check', workspace.id, 'salesbot', '--json'])
  expect([denied.code, JSON.parse(denied.out).reason]).toEqual([1, 'feature_not_in_plan'])
  expect(await run(['check', workspace.id, 'teleport'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('known are leads'),
  })
  expect(await run(['check', workspace.id, 'leads'], { TALLYGATE_API: 'http://127.0.0.1:9' })).toMatchObject({
    code: 3,
  })
})

test('what answers is not Tallygate: its address is asked about, not an undefined answer shown', async () => {
  const other = createHttpServer((request, response) => {
    const isJson = request.url === '/v1/check'
    response.statusCode = 404
    response.end(isJson ? '{"error":"NotFoundException","message":"Cannot POST"}' : '<h1>404</h1>')
  })
  onTestFinished(() => void other.close())
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const env = { TALLYGATE_API: `http://127.0.0.1:${Object(other.address()).port}` }
  for (const args of [
    ['check', workspace.id, 'leads'],
    ['usage', workspace.id],
  ]) {
    expect(await run(args, env)).toMatchObject({
      code: 3,
      err: expect.stringContaining('404, and not as Tallygate does; does TALLYGATE_API name its API?'),
    })
  }
})

test('a text that cannot be a key is called none, and nothing is asked', async () => {
  expect(await run(['check', workspace.id, 'leads'], { TALLYGATE_KEY: 'tg_live_ключ' })).toMatchObject({
    code: 2,
    err: expect.stringContaining('no key'),
  })
})

/** What Node is told to import a module that is given here. */
function importing(module: string): { readonly NODE_OPTIONS: string } {
  return { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(module)}"` }
}

/** Has a process say at its end which packages it loaded. */
const TELL_PACKAGES = `
import { registerHooks } from 'node:module'
const found = new Set()
registerHooks({ load(url, context, next) {
  found.add(/node_modules.((?:@[^/]+.)?[^/]+)/.exec(url)?.[1])
  return next(url, context)
} })
process.on('exit', () => process.stderr.write([...found].join(' ')))`

test('a question loads no client of Kafka, MongoDB or Redis; who makes keys loads that of MongoDB alone', async () => {
  const loading = importing(TELL_PACKAGES)
  for (const args of [
    ['check', workspace.id, 'leads'],
    ['usage', workspace.id],
    ['explain', workspace.id, 'leads'],
  ]) {
    const { err } = await run(args, loading)
    expect(err).toContain('commander')
    expect(err).not.toMatch(/kafkajs|mongodb|ioredis/)
  }
  const { err } = await run(['key', 'list'], loading)
  expect(err).toContain('mongodb')
  expect(err).not.toMatch(/kafkajs|ioredis/)
})

test('produce: good lines count, each refused one is named, sending the file twice counts once', async () => {
  const now = new Date().toISOString()
  const lead = (id: string): object => ({
    record: 'LeadEvent',
    id,
    workspace: workspace.id,
    occurredAt: now,
    source: 'crm',
    leadId: id,
    action: 'created',
  })
  const file = join(dir, 'events.jsonl')
  const many = Array.from({ length: 10_000 }, (_, index) => String(index).padStart(64, 'x'))
  const members = { whatsapp_numbers: many.map((subject) => ({ subject, since: now })) }
  const { leadId: _, action: __, ...envelope } = Object(lead('s1'))
  const large = { ...envelope, record: 'UsageSnapshotEvent', levels: {}, members, takenAt: now }
  const bad = [{ ...lead('l3'), action: 'exploded' }, { record: 'Nothing' }, large]
  writeFileSync(file, [lead('l1'), lead('l2'), ...bad].map((event) => JSON.stringify(event)).join('\n'))
  for (const _ of [1, 2]) {
    const sent = await run(['produce', 'usage.events', file])
    expect(sent).toMatchObject({ code: 1, out: '2 sent, 3 refused\n' })
    expect(sent.err).toMatch(
      /refused line 3: action is "exploded".*\nrefused line 4: "record" must be one of.*\nrefused line 5: too_large: its record has/,
    )
  }
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads' })).used).toBe(2)
})

/** A Kafka that answered when it was connected to, and answers nothing that is sent. */
const KAFKA_GOES_AWAY = `
import { registerHooks } from 'node:module'
const writer = 'export const openRecordWriter = async () => ({ close: async () => undefined,' +
  ' write: async () => { throw new Error("the broker is away") } })'
registerHooks({ resolve(specifier, context, next) {
  if (specifier !== '#drivers/kafka/record-writer.ts') return next(specifier, context)
  return { url: 'data:text/javascript,' + writer, shortCircuit: true }
} })`

test('produce: when Kafka goes away it ends at once with exit code 3 and a sentence, though its input stays open', async () => {
  const seen = { id: 'l1', workspace: workspace.id, occurredAt: new Date().toISOString(), source: 'crm' }
  const input = `${JSON.stringify({ record: 'LeadEvent', ...seen, leadId: 'l1', action: 'created' })}\n`
  const env = importing(KAFKA_GOES_AWAY)
  expect(await runOnOpenInput(system, ['produce', 'usage.events', '-'], { input, env })).toEqual({
    code: 3,
    out: '',
    err: expect.stringMatching(
      /^tallygate: .* 1 of 1 records \(the broker is away\); .* send all of them again.*\n$/,
    ),
  })
})

test('produce, import, redrive, verify: a registry of other ids than MongoDB remembers is not written by, nor read by', async () => {
  const url = await rememberLeadsAs(999_999_999, system.env['MONGODB_URL'] ?? '')
  const of = { id: 'o1', workspace: workspace.id, occurredAt: new Date().toISOString(), source: 'crm' }
  const [events, counts] = [join(dir, 'other.jsonl'), join(dir, 'counts.jsonl')]
  writeFileSync(events, JSON.stringify({ record: 'LeadEvent', ...of, leadId: 'o1', action: 'created' }))
  writeFileSync(counts, JSON.stringify({ workspace: workspace.id, levels: { contacts: 7 } }))
  for (const args of [
    ['produce', 'usage.events', events],
    ['import', counts, '--taken-at', of.occurredAt],
    ['redrive', '--yes'],
    ['verify'],
  ]) {
    expect(await run(args, { MONGODB_URL: url }), args[0]).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringContaining('under 999999999 (LeadEvent): restore its data'),
    })
  }
})

test('produce: a file that cannot be opened is named', async () => {
  const file = join(dir, 'socket')
  const server = createServer().listen(file)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  expect(await run(['produce', 'usage.events', file])).toMatchObject({
    code: 3,
    err: expect.stringMatching(/^tallygate: .*open '.*socket'\n$/),
  })
})

test('usage and explain: tables and a page that says why', async () => {
  expect((await run(['usage', workspace.id])).out).toMatch(/leads +│ +\d+ │ +0 │ +2500/)
  expect((await run(['usage', workspace.id, 'ai_credits'])).out).toContain('in total now: 0')
  expect(await run(['usage', workspace.id, '--from', '2026-11-01'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('name it too'),
  })
  const { code, out } = await run(['explain', workspace.id, 'ai_credits', '-q', '751'])
  expect(code).toBe(1)
  expect(out).toMatch(
    /No\. 0 of 750 are used, and 751 more[\s\S]*What would help, any one of\n {2}- buy 1 more seat\n[\s\S]*limit 750 × 1 = 750/,
  )
})

test('explain --at: from history, beginning with what is not known', async () => {
  const day = new Date(Date.now() - 30 * DAY_MS).toISOString().slice(0, 10)
  const { code, out } = await run(['explain', workspace.id, 'leads', '--at', day])
  expect(code).toBe(1)
  expect(out).toContain('No. There is no subscription.')
  expect(out).toContain(`1.  Known         answered from history as of ${day}`)
  for (const at of ['lunch', '2026-02-31'])
    expect(await run(['check', workspace.id, 'leads', '--at', at])).toMatchObject({ code: 2 })
})

test('key: a created key works for its scope and workspace, and not once it is revoked', async () => {
  const created = await run(['key', 'create', '--scope', 'check', '--workspace', workspace.id, '--json'])
  const { key } = JSON.parse(created.out)
  expect((await run(['check', workspace.id, 'leads'], { TALLYGATE_KEY: key })).code).toBe(0)
  expect((await run(['check', 'another', 'leads'], { TALLYGATE_KEY: key })).code).toBe(2)
  expect(await run(['key', 'revoke', key])).toMatchObject({ code: 0, out: `revoked ${key.slice(8, 16)}\n` })
  expect(await run(['key', 'create', '--scope', 'everything'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('known are check'),
  })
  expect(await run(['key', 'create', '--scope', 'check'], { TALLYGATE_KEY_PEPPER: 'short' })).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('no API runs with this pepper'),
  })
})

test('key: an end that no date names is refused before a key is made; one that is stored is listed with all others', async () => {
  const listed = async (): Promise<number> =>
    JSON.parse((await run(['key', 'list', '--json'])).out).keys.length
  const id = (await system.createKey({})).slice(8, 16)
  const before = await listed()
  for (const days of ['999999999', '1e308']) {
    expect(await run(['key', 'create', '--scope', 'check', '--days', days])).toEqual({
      code: 2,
      out: '',
      err: `tallygate: --days ${days} ends after the year 9999; give a smaller number\n`,
    })
  }
  expect(await run(['key', 'rotate', id, '--overlap', '9999999999'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('--overlap 9999999999 ends after'),
  })
  expect(await listed()).toBe(before)
  const odd = (await system.createKey({ expiresAt: 86_401_795_930_693_620 })).slice(8, 16)
  const { code, out } = await run(['key', 'list'])
  expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`${odd}.*ends after the year 9999`))])
  expect(out).toContain(id)
})

test('key rotate: says when the old key really ends, and the new one', async () => {
  const expiresAt = Date.now() + 3_600_000
  const old = (await system.createKey({ expiresAt })).slice(8, 16)
  const iso = new Date(expiresAt).toISOString()
  const rotated = await run(['key', 'rotate', old, '--overlap', '72'])
  expect(rotated.out).toContain(`${old} goes on until ${iso}\nthe new key ends ${iso}`)
  const longer = JSON.parse((await run(['key', 'rotate', old, '--days', '30', '--json'])).out)
  expect(longer.endsAt).toBe(iso)
  expect(Date.parse(longer.expiresAt)).toBeGreaterThan(expiresAt)
  await run(['key', 'rotate', old, '--overlap', '0.1'])
  const again = JSON.parse((await run(['key', 'rotate', old, '--json'])).out)
  expect(Date.parse(again.endsAt)).toBeLessThan(expiresAt)
})

test('key: an end is a whole millisecond, whatever part of a day was asked for', async () => {
  const { code, out } = await run(['key', 'create', '--scope', 'check', '--days', '0.333333333', '--json'])
  expect([code, Number.isInteger(JSON.parse(out).expiresAt)]).toEqual([0, true])
})
