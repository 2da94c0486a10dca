import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { type AuditChange, type AuditEntry, auditTrail } from '#core/audit/audit-trail.ts'
import { toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { nullable, positionCursor, problem, time, workspaceId } from '../schemas.ts'

/** Changes of one page. */
const PAGE = 50

const state = nullable(
  Type.Record(Type.String(), Type.Unknown(), {
    description:
      'Of an override: limit, until, reason. Of a subscription: what was in force. Of usage: level or members by meter',
  }),
)
const answer = Type.Object({
  workspace: Type.String(),
  entries: Type.Array(
    Type.Object({
      number: Type.Integer({ description: 'Place in the trail, 1 for the oldest' }),
      at: time,
      action: Type.String({ description: 'override_set, override_ended, usage_set, subscription_<type>' }),
      by: Type.Object({
        kind: Type.String({ description: 'key, cli, or billing for a subscription event' }),
        id: Type.String({ description: 'Id of the key; actor of a subscription event' }),
        label: Type.String({ description: 'Label of the key; id of a subscription event' }),
      }),
      subject: Type.String({ description: 'Feature, version of the subscription, or event that set usage' }),
      reason: nullable(Type.String()),
      before: state,
      after: state,
    }),
  ),
  cursor: nullable(Type.Integer({ description: 'Pass it on to read older changes' })),
})

/** `GET /v1/workspaces/:ws/audit`: who changed what, before and after, newest first. */
export function auditRoutes(
  app: FastifyInstance,
  { check, overrides, corrections, versions, rulesJudging }: ApiContext,
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/workspaces/:ws/audit',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['workspaces'],
        security: [{ key: [] }],
        summary: 'Who changed what, newest change first',
        params: Type.Object({ ws: workspaceId }),
        querystring: Type.Object({ cursor: Type.Optional(positionCursor) }, { additionalProperties: false }),
        response: { 200: answer, default: problem },
      },
    },
    async ({ params: { ws }, query: { cursor } }) => {
      const [changes, set, stored] = await Promise.all([overrides(ws), corrections(ws), versions(ws)])
      if (changes.length === 0 && set.length === 0 && stored.length === 0) await readEntitlements(check, ws)
      const trail = auditTrail(
        { overrides: changes, corrections: set, versions: stored },
        await rulesJudging(stored),
      )
      const below = Math.min(cursor === undefined ? trail.length + 1 : Number(cursor), trail.length + 1)
      const from = Math.max(below - 1 - PAGE, 0)
      const page = trail.slice(from, below - 1).map((entry, index) => present(entry, from + index + 1))
      return { workspace: ws, entries: page.toReversed(), cursor: from === 0 ? null : from + 1 }
    },
  )
}

function present({ at, change, ...entry }: AuditEntry, number: number) {
  return { number, at: toIso(at), ...entry, ...presentChange(change) }
}

function presentChange(change: AuditChange) {
  if (change.of === 'subscription') {
    return { before: presentSubscription(change.before), after: presentSubscription(change.after) }
  }
  if (change.of === 'usage') return { before: mutable(change.before), after: mutable(change.after) }
  const override = (one: typeof change.before) =>
    one === null ? null : { ...one, until: isoOrNull(one.until) }
  return { before: override(change.before), after: override(change.after) }
}

function presentSubscription(one: (AuditChange & { readonly of: 'subscription' })['before']) {
  if (one === null) return null
  const { subscriptionId, status, plan, seats, termMonths, autoRenew, cancelAtPeriodEnd, addOns } = one
  return {
    ...{ subscriptionId, status, plan, seats, termMonths, autoRenew, cancelAtPeriodEnd },
    periodEnd: toIso(one.periodEnd),
    addOns: addOns.map((addOn) => ({ ...addOn, from: toIso(addOn.from), until: toIso(addOn.until) })),
  }
}

function mutable(figures: Readonly<Record<string, number>> | null): Record<string, unknown> | null {
  return figures === null ? null : { ...figures }
}
