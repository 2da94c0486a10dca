import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { TallygateError } from '#core/errors.ts'
import { toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import type { KeptOrder } from '#core/subscription/order-book.ts'
import { orderPage } from '#core/subscription/order-history.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { nullable, orderId, problem, time, workspaceId } from '../schemas.ts'

/** Orders of one page. */
const PAGE = 50

const answer = Type.Object({
  workspace: Type.String(),
  orders: Type.Array(
    Type.Object({
      orderId: Type.String(),
      kind: Type.String(),
      status: Type.String({ description: 'pending, paid, failed (closed unpaid) or refunded' }),
      amountMinor: Type.Integer(),
      currency: Type.String(),
      method: Type.String(),
      installments: Type.Integer(),
      placedAt: time,
      paidAt: nullable(time),
      attempt: nullable(Type.Object({ state: Type.String(), at: time, reason: nullable(Type.String()) })),
      refused: nullable(Type.String({ description: 'Why it pays for nothing' })),
    }),
  ),
  cursor: nullable(Type.String({ description: 'Pass it on to read older orders' })),
})

/** `GET /v1/workspaces/:ws/orders`: every order there was, newest first (S10). */
export function orderRoutes(app: FastifyInstance, { check, versions, rulesJudging }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/orders',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary: 'Orders, newest first',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object({ cursor: Type.Optional(orderId) }, { additionalProperties: false }),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { cursor } }) => {
      const stored = await versions(ws)
      if (stored.length === 0) await readEntitlements(check, ws)
      const { orders } = foldVersions(stored, await rulesJudging(stored)).state
      const page = orderPage(orders, { after: cursor ?? null, size: PAGE })
      if (page === null) {
        const message = 'cursor: pass on the one that the page before stated'
        throw new TallygateError('invalid_request', message, { field: 'cursor' })
      }
      return { workspace: ws, orders: page.orders.map(presentOrder), cursor: page.next }
    },
  )
}

function presentOrder({ placedAt, paidAt, attempt, ...order }: KeptOrder) {
  return {
    ...order,
    placedAt: toIso(placedAt),
    paidAt: isoOrNull(paidAt),
    attempt: attempt === null ? null : { ...attempt, at: toIso(attempt.at) },
  }
}
