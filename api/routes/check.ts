import { setTimeout as pause } from 'node:timers/promises'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { isAmount, ZERO } from '#core/amount.ts'
import type { Request } from '#core/entitlement/decision.ts'
import { TallygateError } from '#core/errors.ts'
import { checkItems } from '#core/operations/check.ts'
import { checkFresh } from '#core/operations/check-fresh.ts'
import { checkPast } from '#core/operations/check-past.ts'
import type { ApiContext } from '../context.ts'
import { decisionCounter } from '../count-decision.ts'
import { presentDecision } from '../present.ts'
import { readInstant } from '../read-instant.ts'
import { type CheckItemBody, checkBody, checksBody, decision, decisions, problem } from '../schemas.ts'

/** `POST /v1/check` and `/v1/checks`: may this workspace do this? Reads only. */
export function checkRoutes(app: FastifyInstance, context: ApiContext): void {
  const { check, holds, history, archive } = context
  /** Whoever wants an explanation looks at a decision; it is none that a product acts by (ADR 0027). */
  const count = decisionCounter(context)
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
      const { workspace, at, minFreshnessMs = null, after = null, explain, ...item } = body
      if (at !== undefined) {
        refuseWaiting(minFreshnessMs ?? after)
        const past = await checkPast(
          { ...check, history, archive },
          { workspace, request: requestOf(item), at: readInstant(at, 'at') },
        )
        return presentDecision(past, explain)
      }
      const made = await checkFresh(
        { ...check, holds, pause },
        { workspace, request: requestOf(item), minFreshnessMs, after },
      )
      if (!explain) count(made)
      return presentDecision(made, explain)
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
      if (!explain) result.decisions.forEach(count)
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

/** The past is not waited for. */
function refuseWaiting(waitsFor: unknown): void {
  if (waitsFor === null) return
  throw new TallygateError('invalid_request', 'at asks about the past; leave minFreshnessMs and after out', {
    field: 'at',
  })
}
