import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { consume } from '#core/operations/consume.ts'
import type { ApiContext } from '../context.ts'
import { decisionCounter } from '../count-decision.ts'
import { presentDecision } from '../present.ts'
import { readOperation } from '../read-operation.ts'
import { problem } from '../schemas.ts'
import { consumeBody, consumed } from '../use-schemas.ts'

/** `POST /v1/consume`: checks and counts in one step; an allowed answer is in the log. */
export function consumeRoutes(app: FastifyInstance, context: ApiContext): void {
  const { check, holds, usage } = context
  const count = decisionCounter(context)
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/consume',
    {
      config: { scope: 'consume' },
      schema: {
        tags: ['use'],
        security: [{ key: [] }],
        summary: 'Check and count up to 100 items of one workspace: all of them, none, or as much as fits',
        body: consumeBody,
        response: { 200: consumed, default: problem },
      },
    },
    async ({ body }) => {
      const made = await consume({ ...check, holds, sink: usage }, readOperation('consume', body))
      if (!made.replayed) made.decisions.forEach(count)
      return {
        allowed: made.allowed,
        decisions: made.decisions.map((one) => presentDecision(one, false)),
        granted: [...made.granted],
        eventIds: [...made.eventIds],
        replayed: made.replayed,
      }
    },
  )
}
