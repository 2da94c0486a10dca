import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toIso } from '#core/instant.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { problem } from '../schemas.ts'

const stored = {
  revision: Type.Integer(),
  storedAt: Type.String({ format: 'date-time' }),
  storedBy: Type.Object({ kind: Type.String(), id: Type.String(), label: Type.String() }),
}

/** `GET /v1/catalogue` and `/v1/catalogue/revisions`: what is sold and counted, as data. */
export function catalogueRoutes(app: FastifyInstance, { catalogueSource, catalogueHeads }: ApiContext): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>()
  const shape = { tags: ['catalogue'], security: [{ key: [] }] }
  routes.get(
    '/v1/catalogue',
    {
      config: { scope: 'usage:read' },
      schema: {
        ...shape,
        summary: 'The revision in force',
        response: { 200: Type.Object({ ...stored, catalogue: Type.Unknown() }), default: problem },
      },
    },
    async ({ log }, reply) => {
      const { revision, storedAt, storedBy, source } = await catalogueSource(log)
      reply.header('etag', `"${revision}"`)
      return { revision, storedAt: toIso(storedAt), storedBy, catalogue: source }
    },
  )
  routes.get(
    '/v1/catalogue/revisions',
    {
      config: { scope: 'usage:read' },
      schema: {
        ...shape,
        summary: 'Every revision, newest first',
        response: { 200: Type.Object({ revisions: Type.Array(Type.Object(stored)) }), default: problem },
      },
    },
    async () => {
      const heads = await catalogueHeads()
      return {
        revisions: heads
          .map(({ revision, storedAt, storedBy }) => ({ revision, storedAt: toIso(storedAt), storedBy }))
          .toReversed(),
      }
    },
  )
}
