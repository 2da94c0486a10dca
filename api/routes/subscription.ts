import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { accessEndOf, accessOf } from '#core/subscription/access.ts'
import { warningCodes } from '#core/subscription/flag-trial.ts'
import { type FoldedVersions, foldVersions } from '#core/subscription/fold.ts'
import type { AcceptedSubscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { nullable, positionCursor, problem, time, workspaceId } from '../schemas.ts'

const PAGE = 50

const inForce = Type.Object({
  subscriptionId: Type.String(),
  version: Type.Integer(),
  status: Type.String(),
  access: Type.String({ description: 'active, pending, lapsed or none, as of now' }),
  accessEndsAt: time,
  plan: Type.String(),
  planSince: time,
  seats: Type.Integer(),
  termMonths: Type.Integer(),
  periodStart: time,
  periodEnd: time,
  anchorDay: Type.Integer(),
  autoRenew: Type.Boolean(),
  cancelAtPeriodEnd: Type.Boolean(),
  country: Type.String(),
  currency: Type.String(),
  paymentMethod: nullable(Type.String()),
  addOns: Type.Array(Type.Object({ key: Type.String(), quantity: Type.Integer(), from: time, until: time })),
  openOrderId: nullable(Type.String()),
})

const answer = Type.Object({
  workspace: Type.String(),
  current: nullable(inForce),
  history: Type.Array(
    Type.Object({
      version: Type.Integer(),
      type: Type.String(),
      actor: Type.String(),
      occurredAt: time,
      orderId: nullable(Type.String({ description: 'Order that the version carries' })),
      inForce: nullable(
        Type.Object(
          {
            subscriptionId: Type.String(),
            status: Type.String(),
            plan: Type.String(),
            seats: Type.Integer(),
            termMonths: Type.Integer(),
            periodEnd: time,
            cancelAtPeriodEnd: Type.Boolean(),
          },
          { description: 'What the version left in force, refusals applied' },
        ),
      ),
      refusals: Type.Array(Type.Object({ code: Type.String(), reason: Type.String() })),
      warnings: Type.Array(Type.Object({ code: Type.Enum(warningCodes), reason: Type.String() }), {
        description: 'What was applied as it was sent, and looks wrong',
      }),
    }),
  ),
  cursor: nullable(Type.Integer({ description: 'Pass it on to read older versions' })),
})

/** `GET /v1/workspaces/:ws/subscription`: what is in force, and every version with what was refused of it. */
export function subscriptionRoutes(
  app: FastifyInstance,
  { versions, rulesJudging, check }: ApiContext,
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/subscription',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary: 'The subscription in force and its history, newest version first',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object({ cursor: Type.Optional(positionCursor) }, { additionalProperties: false }),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { cursor } }) => {
      const stored = await versions(ws)
      if (stored.length === 0) await readEntitlements(check, ws)
      const catalogue = check.catalogue.remembered()
      const folded = foldVersions(stored, await rulesJudging(stored))
      const { subscription } = folded.state
      return {
        workspace: ws,
        current: subscription === null ? null : presentCurrent(subscription, { catalogue, now: check.now() }),
        ...pageOf(stored, { folded, below: cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor) }),
      }
    },
  )
}

interface Moment {
  readonly catalogue: { readonly processingWindowMinutes: number }
  readonly now: number
}

function presentCurrent(subscription: AcceptedSubscription, { catalogue, now }: Moment) {
  const { occurredAt: _, openOrder, windowStartsAt: __, ...rest } = subscription
  return {
    ...rest,
    access: accessOf(subscription, now, catalogue),
    accessEndsAt: toIso(accessEndOf(subscription, catalogue)),
    planSince: toIso(rest.planSince),
    periodStart: toIso(rest.periodStart),
    periodEnd: toIso(rest.periodEnd),
    addOns: rest.addOns.map((addOn) => ({ ...addOn, from: toIso(addOn.from), until: toIso(addOn.until) })),
    openOrderId: openOrder?.orderId ?? null,
  }
}

function presentInForce(subscription: AcceptedSubscription | null) {
  if (subscription === null) return null
  const { subscriptionId, status, plan, seats, termMonths, periodEnd, cancelAtPeriodEnd } = subscription
  return { subscriptionId, status, plan, seats, termMonths, periodEnd: toIso(periodEnd), cancelAtPeriodEnd }
}

function pageOf(
  stored: readonly SubscriptionEvent[],
  { folded, below }: { readonly folded: FoldedVersions; readonly below: number },
) {
  const older = stored.filter(({ version }) => version < below).sort((a, b) => b.version - a.version)
  const page = older.slice(0, PAGE)
  return {
    history: page.map(({ version, type, actor, occurredAt, order }) => ({
      version,
      type,
      actor,
      occurredAt: toIso(occurredAt),
      orderId: order?.orderId ?? null,
      inForce: presentInForce(folded.changes.get(version)?.state.subscription ?? null),
      refusals: (folded.changes.get(version)?.refusals ?? []).map(({ code, reason }) => ({ code, reason })),
      warnings: [...(folded.changes.get(version)?.warnings ?? [])],
    })),
    cursor: older.length > PAGE ? (page.at(-1)?.version ?? null) : null,
  }
}
