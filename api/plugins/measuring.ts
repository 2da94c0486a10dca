import type { FastifyInstance } from 'fastify'
import type { ApiMetrics } from '#drivers/metrics.ts'

/** Measures each request from its headers to the last byte of its answer; to be registered before all else. */
export function measureRequests(app: FastifyInstance, { requests }: Pick<ApiMetrics, 'requests'>): void {
  app.addHook('onRequest', (request, { raw }, done) => {
    const startedAt = performance.now()
    raw.on('close', () => {
      if (!raw.writableFinished) return
      const labels = { route: request.routeOptions.url ?? 'none', status: String(raw.statusCode) }
      requests.observe(labels, (performance.now() - startedAt) / 1_000)
    })
    done()
  })
}
