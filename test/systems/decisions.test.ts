import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { TallygateClient } from '#client/client.ts'
import { UsageEmitter } from '#client/events.ts'
import { HOUR_MS } from '#core/instant.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { type Collector, startCollector } from '#test/helpers/collector.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { figureOf, scrape } from '#test/helpers/scrape.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

interface Row {
  readonly minute: string
  readonly feature: string
  readonly reason: string
  readonly allowed: boolean
  readonly sampled: boolean
  readonly count: number
  readonly last: Readonly<Record<string, unknown>>
}

let system: System
let collector: Collector
beforeAll(async () => {
  collector = await startCollector()
  system = await startSystem(['api', 'consumers'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
})
afterAll(async () => {
  await system.stop()
  await collector.stop()
})

async function rowsOf(workspace: TestWorkspace, query = ''): Promise<readonly Row[]> {
  const response = await workspace.get(`/decisions${query}`)
  return Object(await response.json()).decisions
}

function total(rows: readonly Row[], reason: string): number {
  return rows.filter((row) => row.reason === reason).reduce((sum, { count }) => sum + count, 0)
}

test('why was it blocked: each denial is found by minute, feature and reason, with its figures and sentence', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 745 })
  await workspace.counted()
  for (let index = 0; index < 3; index += 1) await workspace.check({ feature: 'ai_credits', quantity: 10 })
  for (let index = 0; index < 2; index += 1)
    await workspace.check({ feature: 'ai_credits', quantity: 10, explain: true })
  const items = [{ feature: 'salesbot' }, { feature: 'ai_credits', quantity: 6 }]
  await workspace.post('/v1/checks', { workspace: workspace.id, items })
  const used = { workspace: workspace.id, items: [{ feature: 'ai_credits', quantity: 6 }] }
  await workspace.post('/v1/consume', { ...used, id: 'denied' })
  await workspace.post('/v1/reservations', { ...used, id: 'denied-too', ttlMs: 1_000 })
  const rows = await eventually(
    () => rowsOf(workspace),
    (seen) => total(seen, 'limit_reached') === 6 && total(seen, 'feature_not_in_plan') === 1,
    { what: 'seven denials in the log' },
  )
  const blocked = rows.find(({ reason }) => reason === 'limit_reached')
  expect(blocked).toMatchObject({ feature: 'ai_credits', allowed: false, sampled: false })
  expect(blocked?.last).toMatchObject({ used: 745, limit: 750, plan: 'base', status: 'active' })
  expect(blocked?.last['why']).toMatch(/^denied: \d+ > 750$/)
  expect(blocked?.minute).toMatch(/:00\.000Z$/)
  const [at = ''] = [blocked?.minute]
  const next = new Date(Date.parse(at) + 60_000).toISOString()
  const minute = await rowsOf(workspace, `?from=${at}&to=${next}&feature=ai_credits`)
  expect(new Set(minute.map((row) => row.minute))).toEqual(new Set([at]))
  expect(minute.every(({ feature }) => feature === 'ai_credits')).toBe(true)
  const before = new Date(Date.parse(at) - HOUR_MS).toISOString()
  expect(await rowsOf(workspace, `?to=${before}`)).toEqual([])
})

function ownsAll(text: string): boolean {
  return Array.from({ length: 8 }, (_, partition) => partition).every(
    (partition) => figureOf(text, `tallygate_usage_lag_records{partition="${partition}"}`) >= 0,
  )
}

test('metrics: what was decided, counted and set aside shows, and no workspace', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
  await workspace.counted()
  await workspace.check({ feature: 'leads' })
  await workspace.check({ feature: 'ai_credits', quantity: 1_000_000 })
  const api = await scrape(system, 'api')
  const decisions = (of: string): number => figureOf(api, `tallygate_decisions_total{${of},degraded="false"}`)
  expect(decisions('feature="leads",reason="within_limit"')).toBeGreaterThanOrEqual(1)
  expect(decisions('feature="ai_credits",reason="limit_reached"')).toBeGreaterThanOrEqual(1)
  const answered = 'tallygate_http_request_seconds_count{route="/v1/check",status="200"}'
  expect(figureOf(api, answered)).toBeGreaterThanOrEqual(2)
  expect(figureOf(api, 'tallygate_circuit_open{dependency="kafka"}')).toBe(0)
  const unknown = 'tallygate_dead_letters_total{topic="usage.events",code="unknown_meter"}'
  const before = figureOf(await scrape(system, 'consumers'), unknown)
  await workspace.send('MeterEvent', { meter: 'unicorns', quantity: 1 })
  const counting = await eventually(
    () => scrape(system, 'consumers'),
    (text) => figureOf(text, unknown) === before + 1 && ownsAll(text),
    { what: 'the dead letter to be measured, and every partition' },
  )
  const figures = (name: string): number => figureOf(counting, `tallygate_${name}`)
  expect(figures('usage_events_total{outcome="counted"}')).toBeGreaterThanOrEqual(1)
  expect(figures('enforcement_lag_seconds_count')).toBeGreaterThanOrEqual(1)
  expect(figures('shards_rebuilding')).toBe(0)
  for (let partition = 0; partition < 8; partition += 1) {
    expect(figures(`usage_lag_records{partition="${partition}"}`)).toBeLessThan(100)
    expect(figures(`counters_behind_seconds{partition="${partition}"}`)).toBeLessThan(30)
  }
  expect(figures('subscription_lag_records{partition="3"}')).toBe(0)
  expect(figures('kafka_silence_seconds{consumer="usage"}')).toBeLessThan(30)
  expect(api + counting).not.toContain(workspace.id)
})

test('metrics: whatever alerts and dashboard ask for is said by the processes themselves', async () => {
  const said = `${await scrape(system, 'api')}\n${await scrape(system, 'consumers')}`
  // A counter with labels has no line of its own until it counts; what kind it is, is said from the beginning.
  const names = new Set([...said.matchAll(/^(?:# TYPE )?([a-z]\w+)(?=[{ ])/gm)].map(([, name = '']) => name))
  const files = ['alerts.yml', 'grafana-dashboard.json']
  const text = files.map((file) => readFileSync(`deploy/monitoring/${file}`, 'utf8')).join('\n')
  const exprs = [...text.matchAll(/expr"?: "?(.*)/g)].map(([, expr = '']) => expr)
  const asked = new Set(exprs.flatMap((expr) => expr.match(/\b(tallygate|nodejs|process)_\w+/g) ?? []))
  expect(asked.size).toBeGreaterThan(20)
  expect([...asked].filter((name) => !names.has(name))).toEqual([])
})

test('traces: a request, the record that it writes and the counting of it are one trace', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  const [traceId, callerId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const use = async (id: string, flags: string): Promise<number> => {
    const headers = {
      authorization: `Bearer ${system.key}`,
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${callerId}-${flags}`,
    }
    const items = [{ feature: 'ai_credits', quantity: 1 }]
    const body = JSON.stringify({ workspace: workspace.id, id, items })
    return (await fetch(`${system.api}/v1/consume`, { method: 'POST', headers, body })).status
  }
  expect([await use('plain', '00'), await use('sampled', '01')]).toEqual([200, 200])
  const spans = await eventually(
    async () => collector.spans.filter((span) => span.traceId === traceId),
    (found) => found.length >= 2,
    { what: 'the spans of the request and of counting' },
  )
  const request = spans.find(({ name }) => name === 'POST /v1/consume')
  const counting = spans.find(({ name }) => name === 'process usage.events')
  expect(request).toMatchObject({ service: 'tallygate-api', parentSpanId: callerId })
  expect(counting).toMatchObject({ service: 'tallygate-consumers', parentSpanId: request?.spanId })
  expect(spans).toHaveLength(2)
  expect(collector.spans.filter((span) => span.traceId !== traceId)).toEqual([])
  expect(JSON.stringify(collector.spans)).not.toContain(workspace.id)
})

test('traces: a trace of a product goes on from the SDK and the emitter, one of billing from its record', async () => {
  const traceId = randomBytes(16).toString('hex')
  const callerId = randomBytes(8).toString('hex')
  const headers = { traceparent: `00-${traceId}-${callerId}-01` }
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' }, {}, headers)
  const client = new TallygateClient({ url: system.api, key: system.key, traceHeaders: () => headers })
  await client.check({ workspace: workspace.id, feature: 'leads' })
  const { kafka: brokers, registry } = engineAddresses()
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
  const emitter = new UsageEmitter({ kafka, source: 'crm', registry, traceHeaders: () => headers })
  onTestFinished(() => emitter.stop())
  await emitter.start()
  await emitter.emit('LeadEvent', { workspace: workspace.id, leadId: 'l', action: 'created' })
  const names = await eventually(
    async () => collector.spans.filter((span) => span.traceId === traceId).map(({ name }) => name),
    ({ length }) => length >= 3,
    { what: 'the spans of all three' },
  )
  expect(names.toSorted()).toEqual(['POST /v1/check', 'process subscription.events', 'process usage.events'])
})

test('what one process counted another one tells: the log survives the API', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  await workspace.check({ feature: 'api_access' })
  await eventually(
    () => rowsOf(workspace),
    (rows) => total(rows, 'feature_not_in_plan') === 1,
    { what: 'the first denial' },
  )
  await system.kill('api')
  await system.start('api')
  await workspace.check({ feature: 'api_access' })
  await eventually(
    () => rowsOf(workspace),
    (rows) => total(rows, 'feature_not_in_plan') === 2,
    { what: 'both denials together' },
  )
})

test('G21: an unknown workspace has no log, and a span that is none names the field', async () => {
  const workspace = new TestWorkspace(system)
  expect((await workspace.get('/decisions')).status).toBe(404)
  const response = await workspace.get('/decisions?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')
  expect(await response.json()).toMatchObject({ code: 'invalid_request', field: 'from' })
})
