import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingHttpHeaders } from 'node:http'
import {
  type Context,
  DiagLogLevel,
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { KafkaMessage } from 'kafkajs'
import type { Logger } from 'pino'
import { inTime } from './in-time.ts'
import { TallyLog } from './tally-log.ts'
import type { BatchTrace, RequestTrace, Traces } from './traces.ts'

interface TraceOptions {
  readonly endpoint: string
  /** Of the requests that bring no trace along, 0 to 1. */
  readonly share: number
  readonly service: string
  readonly log: Logger
}

/** Records of one batch that are followed at most: a caller decides what is sampled, and must not slow counting down. */
const FOLLOWED_MAX = 200
/** A span waits so long for others to be sent with, ms; one request to the collector takes no longer than the other. */
const GATHER_MS = 1_000
const EXPORT_WITHIN_MS = 2_000
/** What has not arrived when the process ends is given up, ms. */
const STOP_WITHIN_MS = 1_500
/** What OpenTelemetry says of a failure may carry a stack along. */
const REASON_CHARS_MAX = 200
const TRACEPARENT = 'traceparent'
const TRACESTATE = 'tracestate'

/** Traces as OpenTelemetry makes them, with W3C trace context in requests and records (ADR 0015). */
export class OpenTelemetryTraces implements Traces {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  readonly #propagator = new W3CTraceContextPropagator()
  readonly #failures: TallyLog
  readonly #current = new AsyncLocalStorage<Context>()

  constructor({ endpoint, share, service, log }: TraceOptions) {
    this.#failures = new TallyLog(log, 'traces could not be made or sent')
    noteFailures(this.#failures)
    const url = `${endpoint.replace(/\/$/, '')}/v1/traces`
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_WITHIN_MS })
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': service }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
      spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: GATHER_MS })],
    })
    this.#tracer = this.#provider.getTracer('tallygate')
  }

  request({
    name,
    id,
    headers,
  }: {
    readonly name: string
    readonly id: string
    readonly headers: IncomingHttpHeaders
  }): RequestTrace {
    const caller = this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
    const attributes = { 'http.route': name.slice(name.indexOf(' ') + 1), 'tallygate.request': id }
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, caller)
    return {
      run: (work) => this.#current.run(trace.setSpan(caller, span), work),
      end: (status) => {
        span.setAttribute('http.response.status_code', status)
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      },
    }
  }

  recordHeaders(): Readonly<Record<string, string>> | null {
    const current = this.#current.getStore()
    if (current === undefined || trace.getSpan(current)?.isRecording() !== true) return null
    const headers: Record<string, string> = {}
    this.#propagator.inject(current, headers, defaultTextMapSetter)
    return headers
  }

  batch({
    topic,
    partition,
    messages,
  }: {
    readonly topic: string
    readonly partition: number
    readonly messages: readonly KafkaMessage[]
  }): BatchTrace {
    const spans = new Map<string, Span>()
    for (const message of messages) {
      const span = spans.size < FOLLOWED_MAX ? this.#follow(message, topic) : null
      span?.setAttribute('messaging.destination.partition.id', String(partition))
      if (span !== null) spans.set(message.offset, span)
    }
    return {
      end: (refused) => {
        for (const [offset, span] of spans) {
          const code = refused.get(offset)
          if (code !== undefined) {
            span.setAttribute('tallygate.dead_letter', code)
            span.setStatus({ code: SpanStatusCode.ERROR })
          }
          span.end()
        }
      },
    }
  }

  async stop(): Promise<void> {
    const late = (): Error => new Error('the collector did not take the last traces in time')
    await inTime(this.#provider.shutdown(), { withinMs: STOP_WITHIN_MS, late }).finally(() =>
      this.#failures.flush(),
    )
  }

  /** A span of a record whose producer is traced; null for any other. */
  #follow({ headers, offset, timestamp }: KafkaMessage, topic: string): Span | null {
    const parent = headers?.[TRACEPARENT]
    if (parent === undefined || Array.isArray(parent)) return null
    const state = headers?.[TRACESTATE]
    const carrier = {
      [TRACEPARENT]: parent.toString(),
      ...(state === undefined || Array.isArray(state) ? {} : { [TRACESTATE]: state.toString() }),
    }
    const producer = this.#propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
    if (trace.getSpan(producer) === undefined) return null
    const attributes = {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': topic,
      'messaging.kafka.offset': Number(offset),
      'tallygate.appended_at': Number(timestamp),
    }
    return this.#tracer.startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, producer)
  }
}

/** A collector that is away fails every second: said now and then, with how often. */
function noteFailures(failures: TallyLog): void {
  const note = (message: string): void => failures.note(message.slice(0, REASON_CHARS_MAX))
  const silent = (): void => undefined
  const lines = { error: note, warn: note, info: silent, debug: silent, verbose: silent }
  diag.setLogger(lines, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}
