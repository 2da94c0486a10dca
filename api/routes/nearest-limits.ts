import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { type NearestDeps, nearestLimits } from '#core/operations/nearest-limits.ts'
import { unhurried } from '#core/operations/read-workspace.ts'
import { Type } from '#drivers/json-schema.ts'
import { NEAR_FROM_PERCENT, type NearMember } from '#drivers/redis/near-limits.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { featureKey, nullable, problem, time } from '../schemas.ts'

const PAGE = 50
const AT_LEAST = 80
const PERCENT_MAX = 100_000

const answer = Type.Object({
  asOf: nullable(time),
  usage: Type.Array(
    Type.Object({
      workspace: Type.String(),
      feature: Type.String(),
      used: Type.Integer(),
      limit: Type.Integer(),
      percent: Type.Integer({
        description: 'Of the limit that is used, rounded down; 100 for use of what has a limit of 0',
      }),
    }),
  ),
  cursor: nullable(Type.String({ description: 'Pass it on to read those further from their limit' })),
})

/** `GET /v1/usage`: the workspaces nearest to a limit, highest first; unlimited ones and lapsed workspaces are left out. */
export function nearestLimitRoutes(app: FastifyInstance, { check, nearLimits }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/usage',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary:
          'Workspaces whose access holds by percent of a limit, highest first, listed when they were last judged, with figures of now',
        querystring: Type.Object(
          {
            feature: Type.Optional(featureKey),
            atLeast: Type.Optional(
              Type.String({
                pattern: '^[1-9][0-9]{0,4}$',
                description: `Percent of the limit; ${AT_LEAST} unless stated, those below ${NEAR_FROM_PERCENT} are not listed`,
              }),
            ),
            search: Type.Optional(
              Type.String({ minLength: 1, maxLength: 64, description: 'Part of the id of the workspace' }),
            ),
            cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}([.][0-9]{1,20})?$' })),
          },
          { additionalProperties: false },
        ),
        response: { 200: answer, default: problem },
      },
    },
    async ({ query: { feature, atLeast, search, cursor }, apiKey }) => {
      const workspaces = apiKey?.workspaces ?? []
      const listed: NearestDeps['listed'] = (part) =>
        nearLimits({ ...part, only: workspaces === '*' ? null : membersOf(workspaces, check) })
      const page = await nearestLimits(
        { ...check, inTime: unhurried, listed },
        {
          feature: feature ?? null,
          atLeast: Math.min(Number(atLeast ?? AT_LEAST), PERCENT_MAX),
          below: cursor === undefined ? null : Number(cursor),
          limit: PAGE,
          search: search ?? null,
        },
      )
      return {
        asOf: isoOrNull(page.asOf),
        usage: page.limits.map((row) => ({ ...row })),
        cursor: page.below === null ? null : String(page.below),
      }
    },
  )
}

/** What a key that is bound to workspaces may find in the list: the features of these alone. */
function membersOf(workspaces: readonly string[], { catalogue }: ApiContext['check']): readonly NearMember[] {
  const features = Object.keys(catalogue.remembered().features)
  return workspaces.flatMap((workspace) => features.map((feature) => ({ workspace, feature })))
}
