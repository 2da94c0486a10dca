import type { KafkaMessage } from 'kafkajs'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTraces, type Traces } from '#drivers/traces.ts'
import { type Collector, type SeenSpan, startCollector } from '#test/helpers/collector.ts'

let collector: Collector
beforeAll(async () => {
  collector = await startCollector()
})
afterAll(() => collector.stop())

async function open(share: number): Promise<Traces> {
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`, OTEL_TRACES_SAMPLER_ARG: share }
  const traces = await openTraces(settings, { service: 'test', log: pino({ level: 'silent' }) })
  if (traces === null) throw new Error('no traces')
  return traces
}

function message(offset: number, headers: KafkaMessage['headers']): KafkaMessage {
  return {
    key: null,
    value: null,
    timestamp: '7',
    attributes: 0,
    offset: String(offset),
    headers: headers ?? {},
  }
}

/** A request of a process, and the headers of a record that it writes. */
async function written(traces: Traces, headers: Record<string, string> = {}) {
  const request = traces.request({ name: 'POST /v1/events', id: 'r1', headers })
  const record = await new Promise<ReturnType<Traces['recordHeaders']>>((resolve) => {
    request.run(() => setImmediate(() => resolve(traces.recordHeaders())))
  })
  request.end(200)
  return record
}

function attributesOf({ attributes }: SeenSpan): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

test('traces: a record of a request that is not sampled, or of none, says nothing', async () => {
  const traces = await open(0)
  expect(await written(traces)).toBeNull()
  expect(traces.recordHeaders()).toBeNull()
  await traces.stop()
})

test('traces: a record that was set aside says so, one that is not traced has no span, none stops the batch', async () => {
  const traces = await open(1)
  const record = (await written(traces)) ?? {}
  expect(record['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  const [, traceId] = (record['traceparent'] ?? '').split('-')
  const messages = [
    message(10, record),
    message(11, record),
    message(12, {}),
    message(13, { traceparent: 'no such thing' }),
    message(14, { traceparent: ['00-a', '00-b'] }),
    message(15, { traceparent: Buffer.from('00-00000000000000000000000000000000-0000000000000000-01') }),
  ]
  traces.batch({ topic: 'usage.events', partition: 3, messages }).end(new Map([['11', 'too_late']]))
  await traces.stop()
  const found = collector.spans.filter((span) => span.name === 'process usage.events')
  expect(found.map((span) => [span.traceId, attributesOf(span)['messaging.kafka.offset']])).toEqual([
    [traceId, 10],
    [traceId, 11],
  ])
  expect(found.map((span) => attributesOf(span)['tallygate.dead_letter'])).toEqual([undefined, 'too_late'])
  expect(found.map(({ status }) => status.code)).toEqual([0, 2])
})

test('traces: a batch in which every record is traced is followed in part, so that callers cannot slow counting', async () => {
  const traces = await open(1)
  const record = (await written(traces)) ?? {}
  const [, traceId] = (record['traceparent'] ?? '').split('-')
  const messages = Array.from({ length: 1_000 }, (_, offset) => message(offset, record))
  traces.batch({ topic: 'usage.events', partition: 3, messages }).end(new Map())
  await traces.stop()
  const spans = collector.spans.filter((span) => span.traceId === traceId)
  expect(spans).toHaveLength(201)
})

test('traces: a collector that is away holds nobody up when the process ends', async () => {
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_SAMPLER_ARG: 1 }
  const traces = await openTraces(settings, { service: 'test', log: pino({ level: 'silent' }) })
  if (traces === null) throw new Error('no traces')
  await written(traces)
  const begunAt = performance.now()
  await expect(traces.stop()).rejects.toThrow(/ECONNREFUSED|in time/)
  expect(performance.now() - begunAt).toBeLessThan(5_000)
})
