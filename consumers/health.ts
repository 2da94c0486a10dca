import Fastify from 'fastify'
import type { Registry } from 'prom-client'
import { listenOn } from '#drivers/listen.ts'
import { type Checks, measureReadiness, readinessOf } from '#drivers/readiness.ts'

interface HealthOptions {
  readonly host: string
  readonly port: number
  readonly metrics: Registry
  /** What must work for the consumers to be of use. */
  readonly checks: Checks
}

/** Serves `/healthz`, `/readyz` by dependency and `/metrics`. */
export async function serveHealth({ host, port, metrics, checks }: HealthOptions) {
  measureReadiness(metrics, checks)
  const app = Fastify()
  app.get('/healthz', async () => ({ status: 'up' }))
  app.get('/readyz', async (_request, reply) => {
    const { isReady, parts } = await readinessOf(checks)
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'up' : 'down', parts })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  )
  await listenOn(app, { host, port, setting: 'CONSUMERS_PORT' })
  return app
}
