import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { type AuditChange, type AuditPage, auditPage, auditTrail } from '#core/audit/audit-trail.ts'
import { TallygateError } from '#core/errors.ts'
import { toIso } from '#core/instant.ts'
import { readEntitlements } from '#core/operations/read-entitlements.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull } from '../present.ts'
import { nullable, problem, time, workspaceId } from '../schemas.ts'

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
      number: Type.Integer({ description: 'Place in the trail by now, 1 for the oldest' }),
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
  cursor: nullable(Type.String({ description: 'Pass it on to read older changes' })),
})
const query = Type.Object(
  {
    cursor: Type.Optional(
      Type.String({
        pattern: '^(override|usage|version)-[0-9]{1,16}([.][0-9]{1,6})?$',
        description: 'As the page before stated',
      }),
    ),
  },
  { additionalProperties: false },
)

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
        querystring: query,
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
      const page = auditPage(trail, { after: cursor ?? null, size: PAGE })
      if (page === null) {
        const message = 'cursor: pass on the one that the page before stated'
        throw new TallygateError('invalid_request', message, { field: 'cursor' })
      }
      return { workspace: ws, entries: page.entries.map(present), cursor: page.next }
    },
  )
}

function present({ name: _, at, change, ...entry }: AuditPage['entries'][number]) {
  return { ...entry, at: toIso(at), ...presentChange(change) }
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
