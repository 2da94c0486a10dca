import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { clampAmount, QUANTITY_MAX } from '#core/amount.ts'
import type { OverrideRecord } from '#core/audit/audit-entry.ts'
import { toIso } from '#core/instant.ts'
import { Type } from '#drivers/json-schema.ts'
import { actorOf } from '../actor.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { readInstant } from '../read-instant.ts'
import { featureKey, nullable, problem, time, workspaceId } from '../schemas.ts'

const params = Type.Object({ ws: workspaceId, feature: featureKey })
const reason = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: '\\S',
  description: 'Why; kept in the audit',
})
const override = Type.Object({
  limit: nullable(
    Type.Integer({ minimum: 0, maximum: QUANTITY_MAX, description: 'null = unlimited; of a switch 0 = off' }),
  ),
  until: nullable(time),
  reason: Type.String(),
})
const answer = Type.Object({
  workspace: Type.String(),
  feature: Type.String(),
  at: time,
  before: nullable(override),
  override: nullable(override),
})

/** `PUT` and `DELETE /v1/workspaces/:ws/overrides/:feature`: a limit of its own for one workspace, audited. */
export function changeOverrideRoutes(app: FastifyInstance, { changeOverride }: ApiContext): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>()
  const shape = {
    tags: ['workspaces'],
    security: [{ key: [] }],
    params,
    response: { 200: answer, default: problem },
  }
  routes.put(
    '/v1/workspaces/:ws/overrides/:feature',
    {
      config: { scope: 'admin' },
      schema: {
        ...shape,
        summary:
          'Set the limit of one feature for one workspace; a workspace may get it before its first event',
        body: Type.Object(
          { limit: override.properties.limit, until: Type.Optional(nullable(time)), reason },
          { additionalProperties: false },
        ),
      },
    },
    async ({ params: { ws, feature }, body, apiKey }) => {
      const until = body.until === undefined || body.until === null ? null : readInstant(body.until, 'until')
      const limit = body.limit === null ? null : clampAmount(body.limit)
      const wish = { limit, until, reason: body.reason }
      const by = actorOf(apiKey)
      const record = await changeOverride({ workspace: ws, feature, override: wish, reason: body.reason, by })
      return present(ws, record)
    },
  )
  routes.delete(
    '/v1/workspaces/:ws/overrides/:feature',
    {
      config: { scope: 'admin' },
      schema: {
        ...shape,
        summary: 'End an override: the plan counts again',
        body: Type.Object({ reason }, { additionalProperties: false }),
      },
    },
    async ({ params: { ws, feature }, body, apiKey }) => {
      const by = actorOf(apiKey)
      const wish = { workspace: ws, feature, override: null, reason: body.reason, by }
      return present(ws, await changeOverride(wish))
    },
  )
}

function present(workspace: string, { feature, at, before, override: set }: OverrideRecord) {
  return {
    workspace,
    feature,
    at: toIso(at),
    before: presentOverride(before),
    override: presentOverride(set),
  }
}

function presentOverride(one: OverrideRecord['override']) {
  return one === null ? null : { ...one, until: isoOrNull(one.until) }
}
