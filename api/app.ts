import swagger from '@fastify/swagger'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { ApiContext } from './context.ts'
import { guardRoutes } from './plugins/keys.ts'
import { answerProblems } from './plugins/problems.ts'
import { auditRoutes } from './routes/audit.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { changeCatalogueRoutes } from './routes/change-catalogue.ts'
import { changeOverrideRoutes } from './routes/change-override.ts'
import { checkRoutes } from './routes/check.ts'
import { consumeRoutes } from './routes/consume.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { noticeRoutes } from './routes/notices.ts'
import { orderRoutes } from './routes/orders.ts'
import { overrideRoutes } from './routes/overrides.ts'
import { quoteRoutes } from './routes/quote.ts'
import { reservationRoutes } from './routes/reservations.ts'
import { subscriptionRoutes } from './routes/subscription.ts'
import { whatIfRoutes } from './routes/what-if.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

const BODY_BYTES_MAX = 65_536

/** The API without a socket: routes, one guard for all of them, one shape of failure. */
export async function createApp(context: ApiContext, log: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: 5_000,
    http: { connectionsCheckingInterval: 1_000, headersTimeout: 3_000 },
    routerOptions: { maxParamLength: 128 },
    return503OnClosing: true,
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false },
    },
  })
  app.removeContentTypeParser('text/plain')
  answerProblems(app)
  guardRoutes(app, context.authenticate)
  app.addHook('onResponse', async ({ routeOptions }, reply) => {
    const labels = { route: routeOptions.url ?? 'none', status: String(reply.statusCode) }
    context.metrics.requests.observe(labels, reply.elapsedTime / 1_000)
  })
  await app.register(swagger, { openapi: contract })
  await app.register(async (routes) => {
    for (const register of registers) register(routes, context)
  })
  await app.ready()
  return app
}

/** Every route there is. */
const registers = [
  checkRoutes,
  consumeRoutes,
  reservationRoutes,
  eventRoutes,
  workspaceRoutes,
  subscriptionRoutes,
  noticeRoutes,
  decisionRoutes,
  orderRoutes,
  overrideRoutes,
  changeOverrideRoutes,
  auditRoutes,
  quoteRoutes,
  whatIfRoutes,
  catalogueRoutes,
  changeCatalogueRoutes,
  healthRoutes,
] as const

const contract = {
  openapi: '3.1.0',
  info: {
    title: 'Tallygate',
    version: '1',
    description:
      'May this workspace do this, and why? Denials are answers; only what could not be known is an error.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
} as const
