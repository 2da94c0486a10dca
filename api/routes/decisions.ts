import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { type DecisionCount, isDenial } from '#core/decisions/decision-count.ts'
import { ALLOWS_PER_SAMPLE } from '#core/decisions/decision-gatherer.ts'
import { TallygateError } from '#core/errors.ts'
import { DAY_MS, MINUTE_MS, toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { readInstant } from '../read-instant.ts'
import { featureKey, nullable, problem, workspaceId } from '../schemas.ts'

const time = Type.String({ format: 'date-time' })
const answer = Type.Object({
  workspace: Type.String(),
  from: time,
  to: time,
  allowsPerSample: Type.Integer({ description: 'Of so many allows one is counted; denials all are' }),
  decisions: Type.Array(
    Type.Object({
      minute: time,
      feature: Type.String(),
      reason: Type.String(),
      allowed: Type.Boolean({ description: 'With a reason to deny: the feature is in shadow mode' }),
      sampled: Type.Boolean(),
      count: Type.Integer(),
      last: Type.Object({
        at: time,
        quantity: Type.Integer(),
        limit: nullable(Type.Integer()),
        used: Type.Integer(),
        held: Type.Integer(),
        plan: nullable(Type.String()),
        status: Type.String(),
        why: Type.String(),
      }),
    }),
  ),
  cursor: nullable(Type.String({ description: 'Pass it on as `to` to read older minutes' })),
})

/** `GET /v1/workspaces/:ws/decisions`: why was it blocked at 14:02? By minute, newest first. */
export function decisionRoutes(app: FastifyInstance, { decisionPage, check }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/decisions',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary:
          'Denials by minute, feature and reason, and sampled allows; some seconds behind, kept 30 days',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object(
          {
            from: Type.Optional(time),
            to: Type.Optional(time),
            feature: Type.Optional(featureKey),
          },
          { additionalProperties: false },
        ),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { from, to, feature } }) => {
      const until = to === undefined ? check.now() + MINUTE_MS : readInstant(to, 'to')
      const since = from === undefined ? until - DAY_MS : readInstant(from, 'from')
      if (since >= until)
        throw new TallygateError('invalid_request', 'from must be before to', { field: 'from' })
      const page = await decisionPage(ws, { from: since, to: until, feature: feature ?? null })
      if (page.counts.length === 0) await readEntitlements(check, ws)
      return {
        workspace: ws,
        from: toIso(since),
        to: toIso(until),
        allowsPerSample: ALLOWS_PER_SAMPLE,
        decisions: page.counts.map(presentCount),
        cursor: isoOrNull(page.before),
      }
    },
  )
}

function presentCount({ workspace: _, minute, last, ...count }: DecisionCount) {
  return {
    ...count,
    minute: toIso(minute),
    sampled: !isDenial(count),
    last: { ...last, at: toIso(last.at) },
  }
}
