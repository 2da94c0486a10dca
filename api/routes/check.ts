import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { isAmount, ZERO } from '#core/amount.ts'
import type { ApiKey } from '#core/api-key.ts'
import type { Decision, Request } from '#core/entitlement/decision.ts'
import { TallygateError } from '#core/errors.ts'
import { checkItems, checkNear, checkOne } from '#core/operations/check.ts'
import { checkFresh } from '#core/operations/check-fresh.ts'
import { checkPast } from '#core/operations/check-past.ts'
import { socketsRead } from '#drivers/sockets-read.ts'
import type { ApiContext, RouteContext } from '../context.ts'
import { decisionCounter } from '../count-decision.ts'
import { decisionText, verdictText } from '../decision-text.ts'
import { requireScope } from '../plugins/keys.ts'
import { presentDecision } from '../present.ts'
import { readInstant } from '../read-instant.ts'
import { type CheckItemBody, checkBody, checksBody, decision, decisions, problem } from '../schemas.ts'

const shape = { tags: ['decisions'], security: [{ key: [] }] }
const JSON_TYPE = 'application/json; charset=utf-8'

type CheckBody = Static<typeof checkBody>

/** `POST /v1/check` and `/v1/checks`: may this workspace do this? Reads only. */
export function checkRoutes(app: FastifyInstance, context: RouteContext): void {
  const { nearCheck = context.check } = context
  /** Whoever wants an explanation looks at a decision; it is none that a product acts by (ADR 0027), so reading will do (0028). */
  const count = decisionCounter(context)
  const decideSlowly = checkerOf(context, count)
  app.post<{ Body: CheckBody }>(
    '/v1/check',
    {
      config: { scope: ['check', 'usage:read'] },
      schema: {
        ...shape,
        summary: 'Decide one request',
        body: checkBody,
        response: { 200: decision, default: problem },
      },
    },
    async (asking, reply) => {
      const { body } = asking
      if (!body.explain) requireScope(asking, 'check')
      const { workspace, at, minFreshnessMs, after, explain } = body
      const request = requestOf(body)
      reply.type(JSON_TYPE)
      const takesAny = at === undefined && minFreshnessMs === undefined && after === undefined
      const isNear = takesAny && nearCheck.near !== undefined
      if (isNear) await socketsRead()
      const near = isNear ? checkNear(nearCheck, { workspace, request }) : null
      if (near === null) return decideSlowly(body, request, asking.apiKey)
      if (!explain) count(near.verdict)
      return verdictText(near.verdict, near.accuracy, explain)
    },
  )
  checksRoute(app, context)
}

/** Decides what must be read first; the answer as JSON. */
function checkerOf(
  { check, nearCheck = check, holds, history, archive, waits }: RouteContext,
  count: (decision: Decision) => void,
): (body: CheckBody, request: Request, key: ApiKey | null) => Promise<string> {
  const past = { ...check, history, archive }
  return async ({ workspace, at, minFreshnessMs = null, after = null, explain }, request, key) => {
    if (at !== undefined) {
      refuseWaiting(minFreshnessMs ?? after)
      const then = await checkPast(past, { workspace, request, at: readInstant(at, 'at') })
      return decisionText(then, explain)
    }
    const takesAny = minFreshnessMs === null && after === null
    const made = takesAny
      ? await checkOne(nearCheck, { workspace, request })
      : await waits.during(key, (pause) =>
          checkFresh({ ...check, holds, pause }, { workspace, request, minFreshnessMs, after }),
        )
    if (!explain) count(made)
    return decisionText(made, explain)
  }
}

/** `POST /v1/checks`. */
function checksRoute(app: FastifyInstance, context: ApiContext): void {
  const { check } = context
  const count = decisionCounter(context)
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/checks',
    {
      config: { scope: 'check' },
      schema: {
        ...shape,
        summary: 'Decide up to 100 requests of one workspace together',
        body: checksBody,
        response: { 200: decisions, default: problem },
      },
    },
    async ({ body: { workspace, items, explain } }) => {
      const result = await checkItems(check, { workspace, items: items.map(requestOf) })
      if (!explain) result.decisions.forEach(count)
      return {
        allowed: result.allowed,
        decisions: result.decisions.map((made) => presentDecision(made, explain)),
      }
    },
  )
}

function requestOf({ feature, quantity, intent, meter, subject }: CheckItemBody): Request {
  return {
    feature,
    intent,
    quantity: isAmount(quantity) ? quantity : ZERO,
    ...(meter === undefined ? {} : { meter }),
    ...(subject === undefined ? {} : { subject }),
  }
}

/** The past is not waited for. */
function refuseWaiting(waitsFor: unknown): void {
  if (waitsFor === null) return
  throw new TallygateError('invalid_request', 'at asks about the past; leave minFreshnessMs and after out', {
    field: 'at',
  })
}
