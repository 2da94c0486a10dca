import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toIso } from '#core/instant.ts'
import { noticeTypes } from '#core/notices/notice.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { Type } from '#drivers/json-schema.ts'
import { NOTICE_CURSOR } from '#drivers/mongo/notice-log.ts'
import type { ApiContext } from '../context.ts'
import { nullable, problem, workspaceId } from '../schemas.ts'

const PAGE = 50

const time = Type.String({ format: 'date-time' })
const answer = Type.Object({
  workspace: Type.String(),
  notices: Type.Array(
    Type.Object({
      id: Type.String(),
      type: Type.Enum([...noticeTypes]),
      feature: nullable(Type.String()),
      threshold: nullable(Type.Integer({ description: 'Percent of the limit' })),
      used: nullable(Type.Integer()),
      limit: nullable(Type.Integer()),
      occurredAt: time,
      publishedAt: time,
    }),
  ),
  cursor: nullable(Type.String({ description: 'Pass it on to read older notices' })),
})

/** `GET /v1/workspaces/:ws/notices`: what was told of a workspace, newest first. */
export function noticeRoutes(app: FastifyInstance, { notices, check }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/notices',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary: 'Notices that were published, newest first',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object(
          {
            cursor: Type.Optional(
              Type.String({
                maxLength: 256,
                pattern: NOTICE_CURSOR,
                description: 'As the page before stated',
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { cursor } }) => {
      const page = await notices(ws, { cursor: cursor ?? null, limit: PAGE })
      if (page.notices.length === 0) await readEntitlements(check, ws)
      return {
        workspace: ws,
        notices: page.notices.map(({ workspace: _, ...notice }) => ({
          ...notice,
          occurredAt: toIso(notice.occurredAt),
          publishedAt: toIso(notice.publishedAt),
        })),
        cursor: page.cursor,
      }
    },
  )
}
