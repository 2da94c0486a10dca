import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Pause } from '#core/operations/look-again.ts'
import type { Traces } from '#drivers/traces.ts'
import type { ApiContext } from './context.ts'
import { answerClientError } from './plugins/client-errors.ts'
import { type Draining, partOnDrain } from './plugins/draining.ts'
import { guardRoutes } from './plugins/keys.ts'
import { compileLate } from './plugins/late-schemas.ts'
import { measureRequests } from './plugins/measuring.ts'
import { answerProblems, sendProblem } from './plugins/problems.ts'
import { RequestLines } from './plugins/request-log.ts'
import { type Capacity, keyLimit, shedLoad } from './plugins/shedding.ts'
import { traceRequests } from './plugins/tracing.ts'
import { KeyWaits } from './plugins/waiting.ts'
import { auditRoutes } from './routes/audit.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { changeCatalogueRoutes } from './routes/change-catalogue.ts'
import { changeOverrideRoutes } from './routes/change-override.ts'
import { checkRoutes } from './routes/check.ts'
import { consumeRoutes } from './routes/consume.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { nearestLimitRoutes } from './routes/nearest-limits.ts'
import { noticeRoutes } from './routes/notices.ts'
import { orderRoutes } from './routes/orders.ts'
import { overrideRoutes } from './routes/overrides.ts'
import { pageRoutes } from './routes/page.ts'
import { quoteRoutes } from './routes/quote.ts'
import { reservationRoutes } from './routes/reservations.ts'
import { subscriptionRoutes } from './routes/subscription.ts'
import { systemRoutes } from './routes/system.ts'
import { whatIfRoutes } from './routes/what-if.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

const BODY_BYTES_MAX = 65_536

/** A request that takes longer to arrive is cut off, headers sooner, ms; looked at every ten milliseconds, so that few end at once. */
const REQUEST_WITHIN_MS = 4_000
const HEADERS_WITHIN_MS = 3_000
const LOOK_EVERY_MS = 10
/** A connection on which nothing moves is closed, ms: longer than a what-if over many workspaces takes to answer. */
const STALLED_MAX_MS = 60_000
/** A connection without a request is kept so long, ms: longer than load balancers keep theirs. */
const IDLE_MAX_MS = 72_000

/** For an app without a socket. */
const BOUNDLESS: Capacity = {
  inFlightMax: Number.POSITIVE_INFINITY,
  keyRate: { perSecond: Number.MAX_SAFE_INTEGER, burst: Number.MAX_SAFE_INTEGER },
  isBehind: () => false,
  onShed: () => undefined,
}

/** What a process decides about itself. */
interface AppOptions {
  readonly capacity?: Capacity
  /** How it waits; a test has another way. */
  readonly pause?: Pause
  readonly draining?: Draining
  /** Null where nothing is traced. */
  readonly traces?: Traces | null
  /** Whether it can write its contract. */
  readonly withContract?: boolean
}

/** The API without a socket: routes, one guard for all of them, one shape of failure. */
export async function createApp(
  context: ApiContext,
  log: FastifyBaseLogger,
  {
    capacity = BOUNDLESS,
    pause = sleep,
    draining = { isUnderWay: false },
    traces = null,
    withContract = false,
  }: AppOptions = {},
): Promise<FastifyInstance> {
  const app = Fastify({
    childLoggerFactory: (_none, { reqId }) => new RequestLines(log, String(reqId)),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_WITHIN_MS,
    connectionTimeout: STALLED_MAX_MS,
    keepAliveTimeout: IDLE_MAX_MS,
    http: { connectionsCheckingInterval: LOOK_EVERY_MS, headersTimeout: HEADERS_WITHIN_MS },
    routerOptions: { maxParamLength: 128 },
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, error),
    clientErrorHandler: (error, socket) => answerClientError(error, socket, log),
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: true,
        allErrors: false,
        // The schema of schemas takes longer to compile than ours; they are held against it with the contract.
        validateSchema: withContract,
      },
    },
  })
  app.removeContentTypeParser('text/plain')
  answerProblems(app)
  measureRequests(app, context.metrics)
  partOnDrain(app, draining)
  shedLoad(app, capacity)
  if (traces !== null) traceRequests(app, traces)
  guardRoutes(app, { authenticate: context.authenticate, limit: keyLimit(capacity) })
  if (withContract) await app.register(import('@fastify/swagger'), { openapi: contract })
  else compileLate(app)
  await app.register(async (routes) => {
    const waits = new KeyWaits(capacity, pause)
    for (const register of registers) register(routes, { ...context, waits })
  })
  await app.ready()
  return app
}

/** Ids that no other process gives, so that one of them finds the lines of one request. */
function requestIds(): () => string {
  const process = randomBytes(4).toString('hex')
  let requests = 0
  return () => {
    requests += 1
    return `${process}-${requests.toString(36)}`
  }
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
  nearestLimitRoutes,
  deadLetterRoutes,
  systemRoutes,
  healthRoutes,
  pageRoutes,
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
