import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { isAmount, ZERO } from '#core/amount.ts'
import type { Decision, Request } from '#core/entitlement/decision.ts'
import { TallygateError } from '#core/errors.ts'
import { checkItems } from '#core/operations/check.ts'
import type { ApiContext } from '../context.ts'
import { presentDecision } from '../present.ts'
import { type CheckItemBody, checkBody, checksBody, decision, decisions, problem } from '../schemas.ts'

/** `POST /v1/check` and `/v1/checks`: may this workspace do this? Reads only. */
export function checkRoutes(app: FastifyInstance, { check, metrics, noteDecision }: ApiContext): void {
  const count = (made: Decision): void => {
    const { feature, reason, allowed, degraded } = made
    noteDecision(made)
    metrics.decisions.inc({ feature, reason, allowed: String(allowed), degraded: String(degraded) })
  }
  const routes = app.withTypeProvider<TypeBoxTypeProvider>()
  const shape = { tags: ['decisions'], security: [{ key: [] }] }
  routes.post(
    '/v1/check',
    {
      config: { scope: 'check' },
      schema: {
        ...shape,
        summary: 'Decide one request',
        body: checkBody,
        response: { 200: decision, default: problem },
      },
    },
    async ({ body }) => {
      const { workspace, at, minFreshnessMs, explain, ...item } = body
      refuseUnbuilt({ at, minFreshnessMs })
      const { decisions: made } = await checkItems(check, { workspace, items: [requestOf(item)] })
      const [made1] = made
      if (made1 === undefined) throw new RangeError('a check has one decision')
      count(made1)
      return presentDecision(made1, explain)
    },
  )
  routes.post(
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
      result.decisions.forEach(count)
      return {
        allowed: result.allowed,
        decisions: result.decisions.map((made) => presentDecision(made, explain)),
      }
    },
  )
}

function requestOf({ quantity, meter, subject, ...item }: CheckItemBody): Request {
  return {
    ...item,
    quantity: isAmount(quantity) ? quantity : ZERO,
    ...(meter === undefined ? {} : { meter }),
    ...(subject === undefined ? {} : { subject }),
  }
}

/** Options that the contract names and that are not built: an answer that ignored them would be wrong. */
function refuseUnbuilt({
  at,
  minFreshnessMs,
}: {
  at: string | undefined
  minFreshnessMs: number | undefined
}): void {
  if (minFreshnessMs !== undefined) {
    throw new TallygateError('invalid_request', 'minFreshnessMs is not answered yet; leave it out', {
      field: 'minFreshnessMs',
    })
  }
  if (at !== undefined) {
    throw new TallygateError('invalid_request', 'at is not answered yet; leave it out to ask about now', {
      field: 'at',
    })
  }
}
