import Fastify from 'fastify'
import type { Registry } from 'prom-client'

/** One thing that must work for the consumers to be of use; null when it does, else what is wrong. */
export type HealthCheck = () => Promise<string | null>

interface HealthOptions {
  readonly host: string
  readonly port: number
  readonly metrics: Registry
  readonly checks: Readonly<Record<string, HealthCheck>>
}

/** Serves `/healthz`, `/readyz` by dependency and `/metrics`. */
export async function serveHealth({ host, port, metrics, checks }: HealthOptions) {
  const app = Fastify()
  app.get('/healthz', async () => ({ status: 'up' }))
  app.get('/readyz', async (_request, reply) => {
    const entries = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) => [name, (await check().catch(String)) ?? 'up'] as const,
      ),
    )
    const isReady = entries.every(([, state]) => state === 'up')
    return reply
      .code(isReady ? 200 : 503)
      .send({ status: isReady ? 'up' : 'down', parts: Object.fromEntries(entries) })
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  )
  await app.listen({ host, port })
  return app
}
