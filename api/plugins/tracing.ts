import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RequestTrace, Traces } from '#drivers/traces.ts'

/**
 * Traces every request that needs a key; to be registered after what turns requests away unread.
 *
 * The handler alone runs within the trace: what a body is read by belongs to its connection, not to its request.
 */
export function traceRequests(app: FastifyInstance, traces: Traces): void {
  const underWay = new WeakMap<FastifyRequest, RequestTrace>()
  app.addHook('onRequest', (request, _reply, done) => {
    const { id, method, headers, routeOptions } = request
    if (routeOptions.url !== undefined && routeOptions.config.scope !== null)
      underWay.set(request, traces.request({ name: `${method} ${routeOptions.url}`, id, headers }))
    done()
  })
  app.addHook('preHandler', (request, _reply, done) => {
    const traced = underWay.get(request)
    if (traced === undefined) done()
    else traced.run(done)
  })
  app.addHook('onResponse', (request, reply, done) => {
    underWay.get(request)?.end(reply.statusCode)
    done()
  })
}
