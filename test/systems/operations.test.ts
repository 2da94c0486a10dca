import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, HOUR_MS, MINUTE_MS } from '#core/instant.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { GatheringProducer } from '#drivers/kafka/producer.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { readLetters } from '#test/helpers/letters.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await startSystem(['api', 'consumers'], { SNAPSHOT_EVERY_MS: '300' })
})
afterAll(() => system.stop())

async function json(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; body: Record<string, unknown> }> {
  const { code, out, err } = await runCli(system, [...args, '--json'], env)
  if (out === '') throw new Error(`${args.join(' ')} printed nothing: ${err}`)
  return { code, body: JSON.parse(out) }
}

async function usedByDay(workspace: TestWorkspace, feature: string): Promise<Record<string, number>> {
  const from = dayOf(Date.now() - 50 * DAY_MS)
  const day = (text: string): string => text.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')
  const query = `feature=${feature}&from=${day(from)}&to=${day(dayOf(Date.now()))}`
  const answer = await workspace.get(`/usage?${query}`).then((response) => response.json())
  const { days } = answer as { days: readonly { day: string; used: number }[] }
  const used = days.filter((one) => one.used > 0)
  return Object.fromEntries(used.map((one) => [one.day.replaceAll('-', ''), one.used]))
}

test('G15: a late event is set aside, and a redrive counts it once, in its own day', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const late = Date.now() - 60 * HOUR_MS
  await workspace.send('AiCallEvent', { function: 'summary', credits: 7, occurredAt: late })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 2 })
  await workspace.send('AiCallEvent', { function: 'mind_reading', occurredAt: late })
  await workspace.counted()
  expect(await usedByDay(workspace, 'ai_credits')).toEqual({ [dayOf(Date.now())]: 2 })
  await readLetters(({ key }) => key === workspace.id, 2)

  const args = ['redrive', '--workspace', workspace.id]
  const dry = await runCli(system, args)
  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('nothing was sent; add --yes') })
  expect(await usedByDay(workspace, 'ai_credits')).toEqual({ [dayOf(Date.now())]: 2 })
  expect((await json([...args, '--code', 'too_large', '--yes'])).body['codes']).toEqual([])

  const report = { found: 1, sentBefore: 0, cut: 0, statesCount: 0, mayCountAgain: 0 }
  const sent = await json([...args, '--yes'])
  const codes = [{ code: 'too_late', ...report, found: 2, sent: 2, refusedAgain: 1 }]
  expect(sent).toEqual({ code: 1, body: { isDryRun: false, codes } })
  const wanted = { [dayOf(late)]: 7, [dayOf(Date.now())]: 2 }
  expect(await usedByDay(workspace, 'ai_credits')).toEqual(wanted)

  const again = await json([...args, '--yes'])
  expect(again.body['codes']).toEqual([
    { code: 'too_late', ...report, sentBefore: 1, sent: 0, refusedAgain: 0 },
    { code: 'unknown_function', ...report, sent: 1, refusedAgain: 1 },
  ])
  expect(await usedByDay(workspace, 'ai_credits')).toEqual(wanted)
}, 120_000)

test('G15: times from 40 days back to two days ahead, around the start of a period, count in their own day or not at all', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const now = Date.now()
  const minutes = [
    -DAY_MS - 10 * MINUTE_MS,
    -DAY_MS + 10 * MINUTE_MS,
    -2 * DAY_MS - MINUTE_MS,
    -2 * DAY_MS + 5 * MINUTE_MS,
  ]
  const days = [-40, -36, -34, -30, -20, -10, -5, -3, -2.5, -1.5, -0.5, 0, 1, 2].map((day) => day * DAY_MS)
  const sent = [...days, ...minutes, 10 * MINUTE_MS].map((after, index) => ({ after, credits: 2 ** index }))
  for (const { after, credits } of sent)
    await workspace.send('AiCallEvent', { function: 'summary', credits, occurredAt: now + after })
  await workspace.counted()
  const sums = (from: number): Record<string, number> => {
    const taken = sent.filter(({ after }) => after >= from && after <= 5 * MINUTE_MS)
    const byDay: Record<string, number> = {}
    for (const { after, credits } of taken)
      byDay[dayOf(now + after)] = (byDay[dayOf(now + after)] ?? 0) + credits
    return byDay
  }
  expect(await usedByDay(workspace, 'ai_credits')).toEqual(sums(-2 * DAY_MS))
  const { used, window } = await workspace.check({ feature: 'ai_credits', intent: 'read' })
  const current = sent.filter(({ after }) => now + after >= Date.parse(window?.from ?? '') && after <= 0)
  expect(used).toBe(current.reduce((sum, { credits }) => sum + credits, 0))

  const refused = sent.filter(({ after }) => after < -2 * DAY_MS || after > 5 * MINUTE_MS).length
  await readLetters(({ key }) => key === workspace.id, refused)
  expect((await json(['redrive', '--workspace', workspace.id, '--yes'])).code).toBe(1)
  expect(await usedByDay(workspace, 'ai_credits')).toEqual(sums(-35 * DAY_MS))
  expect((await workspace.check({ feature: 'ai_credits', intent: 'read' })).used).toBe(used)
}, 120_000)

test('verify: nothing differs while all is running; a counter and a member that were tampered with are named', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  for (let lead = 0; lead < 5; lead += 1)
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
  await workspace.send('WhatsappNumberEvent', { number: '+1', action: 'connected' })
  await workspace.counted()
  const busy = new TestWorkspace(system)
  let isOver = false
  const writing = (async () => {
    while (!isOver) await busy.send('LeadEvent', { leadId: 'l', action: 'created' })
  })()
  // Reading the counters takes long, so that much is counted meanwhile.
  const redis = new URL(engineAddresses().redis)
  const proxy = await TcpProxy.open(Number(redis.port))
  proxy.set({ kind: 'delay', ms: 20 })
  redis.port = String(proxy.port)
  const verified = await json(['verify'], { REDIS_URL: redis.href }).finally(() => {
    isOver = true
    return proxy.close()
  })
  await writing
  expect(verified).toMatchObject({ code: 0, body: { differences: [], rebuilding: [], cut: [] } })
  const keys = allShardKeys(SHARDS_DEFAULT)[shardOf(workspace.id, SHARDS_DEFAULT)]
  if (keys === undefined) throw new Error('no shard')
  await system.redis.hincrby(keys.usage(workspace.id), 'leads', 2)
  await system.redis.sadd(keys.members(workspace.id, 'whatsapp_numbers'), '+9')
  const differs = await json(['verify', '--workspace', workspace.id])
  expect(differs.code).toBe(1)
  expect(differs.body['differences']).toEqual([
    { workspace: workspace.id, counter: 'leads', counted: '7', recounted: '5' },
    { workspace: workspace.id, counter: 'members whatsapp_numbers', counted: '+1 +9', recounted: '+1' },
  ])
  const text = await runCli(system, ['verify', '--workspace', workspace.id])
  expect(text.out).toContain('2 counters differ')
  await system.redis.hincrby(keys.usage(workspace.id), 'leads', -2)
  await system.redis.srem(keys.members(workspace.id, 'whatsapp_numbers'), '+9')
}, 120_000)

test("drift: the product's own count is listed and measured where it differs, and is in force", async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const state = (levels: object, numbers: readonly string[]): Promise<void> =>
    workspace.send('UsageSnapshotEvent', {
      levels,
      members: { whatsapp_numbers: numbers.map((subject) => ({ subject, since: Date.now() })) },
      takenAt: Date.now(),
    })
  await state({ leads: 10 }, ['+1', '+2'])
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
  await state({ leads: 10 }, ['+1', '+3'])
  await state({ leads: 10 }, ['+3', '+1'])
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads' })).used).toBe(10)
  const { drifts } = await eventually(
    async () => (await json(['drift', '--workspace', workspace.id])).body as { drifts: readonly object[] },
    (body) => body.drifts.length === 2,
    { what: 'two drifts' },
  )
  expect(drifts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ meter: 'leads', counted: 11, stated: 10 }),
      expect.objectContaining({ meter: 'whatsapp_numbers', counted: 2, stated: 2 }),
    ]),
  )
  const metrics = await fetch(`${system.consumers}/metrics`).then((response) => response.text())
  expect(metrics).toMatch(/tallygate_drift_total\{meter="leads"\} 1/)
})

test('redrive: a count that was refused sets nothing back, unless somebody asks for that', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const occurredAt = Date.now() - 60 * HOUR_MS
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 500 })
  await workspace.send('UsageSnapshotEvent', {
    levels: { leads: 40 },
    members: {},
    takenAt: occurredAt,
    occurredAt,
  })
  await workspace.send('MeterEvent', { meter: 'leads', quantity: 30, action: 'set', occurredAt })
  await workspace.send('LeadEvent', { leadId: 'm', action: 'created', occurredAt })
  await workspace.counted()
  await readLetters(({ key }) => key === workspace.id, 3)
  const args = ['redrive', '--workspace', workspace.id]
  const report = { code: 'too_late', found: 3, sentBefore: 0, cut: 0, statesCount: 2 }
  expect((await runCli(system, args)).out).toMatch(/too_late │ +3 │ +0 │ +0 │ +2 │ +1 │/)
  const redrives = await eventually(
    async () => {
      const headers = { authorization: `Bearer ${system.key}` }
      const response = await fetch(`${system.api}/v1/dead-letters?workspace=${workspace.id}`, { headers })
      return Object(await response.json()).redrives as readonly { found: number }[]
    },
    ([usage]) => usage?.found === 3,
    { what: 'the letters to be kept' },
  )
  expect(redrives).toMatchObject([{ statesCount: 2, wouldSend: 1 }])
  expect((await json([...args, '--yes'])).body['codes']).toMatchObject([
    { ...report, sent: 1, refusedAgain: 0 },
  ])
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads', intent: 'read' })).used).toBe(501)
  const asked = await json([...args, '--counts-too', '--yes'])
  expect(asked.body['codes']).toMatchObject([
    { ...report, sentBefore: 1, statesCount: 0, sent: 2, refusedAgain: 0 },
  ])
  await workspace.counted()
  expect((await workspace.check({ feature: 'leads', intent: 'read' })).used).toBe(30)
}, 120_000)

test('redrive: a record that is nearly too large for a broker holds up none of the others', async ({
  onTestFinished,
}) => {
  const workspace = new TestWorkspace(system)
  const log = createLogger('test', 'silent')
  const producer = new GatheringProducer(
    connectKafka({ brokers: engineAddresses().kafka, clientId: 'l', log }),
  )
  await producer.start()
  onTestFinished(() => producer.stop())
  // A broker takes 1,048,588 bytes, and with the headers of a record that is sent again it is above that.
  await producer.send({ topic: 'usage.events', key: workspace.id, value: Buffer.alloc(1_048_440, 1) })
  const occurredAt = Date.now() - 60 * HOUR_MS
  await workspace.send('AiCallEvent', { function: 'summary', credits: 7, occurredAt })
  await readLetters(({ key }) => key === workspace.id, 2)
  const { code, body } = await json(['redrive', '--workspace', workspace.id, '--yes'])
  expect(code).toBe(0)
  expect(body['codes']).toMatchObject([
    { code: 'too_large', found: 1, cut: 1, sent: 0 },
    { code: 'too_late', found: 1, cut: 0, sent: 1, refusedAgain: 0 },
  ])
})

test('redrive: what an outbox of five days sends again is said to count again before any of it is sent', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const call = { id: 'call-1', function: 'summary', credits: 5 }
  const occurredAt = Date.now() - 5 * DAY_MS
  await workspace.send('AiCallEvent', call, occurredAt)
  await workspace.send('AiCallEvent', { ...call, occurredAt })
  await workspace.send('AiCallEvent', { ...call, id: 'call-2', occurredAt: Date.now() - 60 * HOUR_MS })
  await workspace.counted()
  expect(await usedByDay(workspace, 'ai_credits')).toEqual({ [dayOf(occurredAt)]: 5 })
  await readLetters(({ key }) => key === workspace.id, 2)
  const args = ['redrive', '--code', 'too_late', '--workspace', workspace.id]
  const warning =
    'too_late: 1 happened more than 72 hours ago; each that had been sent before, and was counted'
  expect((await runCli(system, args)).out).toContain(warning)
  expect((await json(args)).body['codes']).toMatchObject([{ found: 2, mayCountAgain: 1 }])
  const sent = await runCli(system, [...args, '--yes'])
  expect(sent).toMatchObject({ code: 0, err: expect.stringContaining(warning) })
}, 120_000)

test('days older than 40 leave the counters for MongoDB and are still told by day', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const old = Date.now() - 45 * DAY_MS
  await workspace.send('AiCallEvent', { function: 'summary', credits: 7 }, old)
  await workspace.send('AiCallEvent', { function: 'summary', credits: 2 })
  const keys = allShardKeys(SHARDS_DEFAULT)[shardOf(workspace.id, SHARDS_DEFAULT)]
  const fields = (): Promise<Record<string, string>> => system.redis.hgetall(keys?.usage(workspace.id) ?? '')
  await eventually(fields, (own) => own['z'] !== undefined, { what: 'a page of past days' })
  expect(await fields()).not.toHaveProperty(`ai_credits:${dayOf(old)}`)
  expect(await usedByDay(workspace, 'ai_credits')).toEqual({ [dayOf(old)]: 7, [dayOf(Date.now())]: 2 })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 3 }, old)
  await workspace.counted()
  expect(await usedByDay(workspace, 'ai_credits')).toEqual({ [dayOf(old)]: 10, [dayOf(Date.now())]: 2 })
  expect((await json(['verify', '--workspace', workspace.id])).body['differences']).toEqual([])
})
