import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A span as it was received. */
export interface SeenSpan {
  readonly service: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly status: { readonly code?: number }
}

/** What takes traces in, as OTLP in JSON over HTTP. */
export interface Collector {
  readonly url: string
  /** All that came so far. */
  readonly spans: readonly SeenSpan[]
  readonly stop: () => Promise<void>
}

interface TraceBody {
  readonly resourceSpans: readonly {
    readonly resource: Pick<SeenSpan, 'attributes'>
    readonly scopeSpans: readonly { readonly spans: readonly Omit<SeenSpan, 'service'>[] }[]
  }[]
}

/** Starts a collector on a free port. */
export async function startCollector(): Promise<Collector> {
  const spans: SeenSpan[] = []
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of (body as TraceBody).resourceSpans) {
        const name = resource.attributes.find(({ key }) => key === 'service.name')
        const service = String(name?.value['stringValue'])
        spans.push(...scopeSpans.flatMap((scope) => scope.spans).map((span) => ({ ...span, service })))
      }
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' })
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
