import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { overrideHistory, type PlacedOverride } from '#core/entitlement/override-history.ts'
import { toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { nullable, positionCursor, problem, time, workspaceId } from '../schemas.ts'

/** Changes of one page. */
const PAGE = 50

const answer = Type.Object({
  workspace: Type.String(),
  overrides: Type.Array(
    Type.Object({
      number: Type.Integer({ description: 'Place in the history, 1 for the first change' }),
      feature: Type.String(),
      at: time,
      isInForce: Type.Boolean(),
      override: nullable(
        Type.Object(
          { limit: nullable(Type.Integer()), until: nullable(time), reason: Type.String() },
          { description: 'null = taken back; limit null = unlimited' },
        ),
      ),
    }),
  ),
  cursor: nullable(Type.Integer({ description: 'Pass it on to read older changes' })),
})

/** `GET /v1/workspaces/:ws/overrides`: every change of an override, newest first, and which are in force. */
export function overrideRoutes(app: FastifyInstance, { overrides, versions, check }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/overrides',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary: 'Overrides and their history, newest change first',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object({ cursor: Type.Optional(positionCursor) }, { additionalProperties: false }),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { cursor } }) => {
      const changes = await overrides(ws)
      if (changes.length === 0 && (await versions(ws)).length === 0) await readEntitlements(check, ws)
      const below = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
      const older = overrideHistory(changes, check.now()).filter(({ number }) => number < below)
      const page = older.slice(0, PAGE)
      const last = older.length > PAGE ? (page.at(-1)?.number ?? null) : null
      return { workspace: ws, overrides: page.map(presentChange), cursor: last }
    },
  )
}

function presentChange({ override, at, ...change }: PlacedOverride) {
  return {
    ...change,
    at: toIso(at),
    override: override === null ? null : { ...override, until: isoOrNull(override.until) },
  }
}
