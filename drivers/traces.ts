import type { IncomingHttpHeaders } from 'node:http'
import type { KafkaMessage } from 'kafkajs'
import type { Logger } from 'pino'
import type { Static } from 'typebox'
import { Type } from './json-schema.ts'

/** Settings of traces, under the names that OpenTelemetry gives them. */
export const tracesEnv = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description:
        'where traces are sent as OTLP over HTTP, such as http://collector:4318; unset, none are made',
    }),
  ),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 0.01,
    minimum: 0,
    maximum: 1,
    description: 'share of the requests that are traced, 0 to 1; those with a traceparent do as it says',
  }),
}

/** Settings of traces as they were read. */
export type TraceSettings = Static<ReturnType<typeof Type.Object<typeof tracesEnv>>>

/** A request that is being answered. */
export interface RequestTrace {
  /** Runs work so that the records it writes belong to this request. */
  readonly run: (work: () => void) => void
  readonly end: (status: number) => void
}

/** A batch of records that is being counted. */
export interface BatchTrace {
  /** They are counted, except those that were set aside: their codes by offset. */
  readonly end: (refused: ReadonlyMap<string, string>) => void
}

/** Traces of this process. */
export interface Traces {
  readonly request: (asked: {
    /** Method and route, never a path: that names a workspace. */
    readonly name: string
    readonly id: string
    readonly headers: IncomingHttpHeaders
  }) => RequestTrace
  /** Headers for a record of the request under way; null where there is none, or it is not traced. */
  readonly recordHeaders: () => Readonly<Record<string, string>> | null
  readonly batch: (taken: {
    readonly topic: string
    readonly partition: number
    readonly messages: readonly KafkaMessage[]
  }) => BatchTrace
  /** Sends what waits. */
  readonly stop: () => Promise<void>
}

/** Opens traces where an address for them is set; nothing of OpenTelemetry is loaded where none is (ADR 0015). */
export async function openTraces(
  settings: TraceSettings,
  { service, log }: { readonly service: string; readonly log: Logger },
): Promise<Traces | null> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share } = settings
  if (endpoint === undefined) return null
  const { OpenTelemetryTraces } = await import('./open-telemetry.ts')
  return new OpenTelemetryTraces({ endpoint, share, service, log })
}
