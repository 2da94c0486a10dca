import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { listenOn } from './listen.ts'
import { type Checks, measureReadiness, readinessOf } from './readiness.ts'

interface HealthOptions {
  readonly host: string
  readonly port: number
  /** The setting that moves the port. */
  readonly setting: string
  readonly metrics: Registry
  /** What must work for the process to be of use. */
  readonly checks: Checks
}

/** A server that is asked how its process does. */
export interface HealthServer {
  readonly close: () => Promise<void>
}

/** Serves `/healthz`, `/readyz` by dependency and `/metrics`: for probes and scrapes, with nothing to load for it. */
export async function serveHealth({
  host,
  port,
  setting,
  metrics,
  checks,
}: HealthOptions): Promise<HealthServer> {
  measureReadiness(metrics, checks)
  const answers: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/healthz': (response) => sendJson(response, 200, { status: 'up' }),
    '/readyz': async (response) => {
      const { isReady, parts } = await readinessOf(checks)
      sendJson(response, isReady ? 200 : 503, { status: isReady ? 'up' : 'down', parts })
    },
    '/metrics': async (response) => {
      const text = await metrics.metrics()
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
    },
  }
  const server = createServer(async ({ method, url = '' }, response) => {
    const answer = answers[url.split('?', 1)[0] ?? '']
    if (answer === undefined) return sendJson(response, 404, { status: 'no such path' })
    if (method !== 'GET' && method !== 'HEAD') return sendJson(response, 405, { status: 'GET only' })
    try {
      await answer(response)
    } catch (error) {
      sendJson(response, 500, { status: error instanceof Error ? error.message : String(error) })
    }
  })
  const listen = async (address: { readonly host: string; readonly port: number }): Promise<void> => {
    server.listen(address)
    await once(server, 'listening')
  }
  await listenOn({ listen }, { host, port, setting })
  return {
    close: async () => {
      server.closeIdleConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
}
