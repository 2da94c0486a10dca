import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { CatalogueChanges } from '#core/catalogue/compare-catalogues.ts'
import { Type } from '#drivers/json-schema.ts'
import { actorOf } from '../actor.ts'
import type { ApiContext } from '../context.ts'
import { forEveryWorkspace } from '../plugins/every-workspace.ts'
import { CATALOGUE_BYTES_MAX, problem } from '../schemas.ts'

const keys = Type.Array(Type.String())
const change = Type.Object({ added: keys, changed: keys, removed: keys })

/** `PUT /v1/catalogue`: the next revision, never an edit of one; it sells to everybody, so the key must be for all. */
export function changeCatalogueRoutes(app: FastifyInstance, { changeCatalogue }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().put(
    '/v1/catalogue',
    {
      config: { scope: 'admin' },
      onRequest: forEveryWorkspace,
      bodyLimit: CATALOGUE_BYTES_MAX,
      schema: {
        tags: ['catalogue'],
        security: [{ key: [] }],
        summary: 'Store the next revision, validated whole; with dryRun only say what it would change',
        headers: Type.Object({
          'if-match': Type.String({
            pattern: '^"[1-9][0-9]{0,15}"$',
            description: 'Revision that it follows, as the etag of GET: "7"',
          }),
        }),
        querystring: Type.Object(
          {
            dryRun: Type.Optional(
              Type.Enum(['', 'true', 'false'], { description: 'Alone, or `true`: nothing is stored' }),
            ),
          },
          { additionalProperties: false },
        ),
        body: Type.Record(Type.String(), Type.Unknown(), { description: 'The whole catalogue' }),
        response: {
          200: Type.Object({
            revision: Type.Integer(),
            isDryRun: Type.Boolean(),
            changes: Type.Object({
              ...{ plans: change, features: change, meters: change, addOns: change },
              settings: { ...change, description: 'Terms, ways to pay, the trial and the processing window' },
            }),
          }),
          default: problem,
        },
      },
    },
    async ({ headers, query, body, apiKey, log }, reply) => {
      const isDryRun = query.dryRun !== undefined && query.dryRun !== 'false'
      const after = Number(headers['if-match'].slice(1, -1))
      const next = await changeCatalogue({ source: body, after, by: actorOf(apiKey), isDryRun }, log)
      if (!isDryRun) reply.header('etag', `"${next.revision}"`)
      return { revision: next.revision, isDryRun, changes: mutable(next.changes) }
    },
  )
}

function mutable({ plans, features, meters, addOns, settings }: CatalogueChanges) {
  const lists = ({ added, changed, removed }: CatalogueChanges['plans']) => {
    return { added: [...added], changed: [...changed], removed: [...removed] }
  }
  return {
    ...{ plans: lists(plans), features: lists(features), meters: lists(meters), addOns: lists(addOns) },
    settings: lists(settings),
  }
}
