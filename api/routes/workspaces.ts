import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { minus } from '#core/amount.ts'
import { DAY_MS } from '#core/instant.ts'
import { type EntitlementUse, readEntitlements } from '#core/operations/read-entitlements.ts'
import { readUsage } from '#core/operations/read-usage.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { isoOrNull, presentAccuracy, presentWindow } from '../present.ts'
import { readInstant } from '../read-instant.ts'
import { accuracy, featureKey, nullable, problem, workspaceId } from '../schemas.ts'

const window = nullable(Type.Object({ from: Type.String(), to: Type.String() }))
const params = Type.Object({ ws: workspaceId })
const day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'UTC day, yyyy-mm-dd' })

const entitlements = Type.Object({
  workspace: Type.String(),
  plan: nullable(Type.String()),
  status: Type.String(),
  access: Type.String(),
  ...accuracy,
  entitlements: Type.Array(
    Type.Object({
      feature: Type.String(),
      kind: Type.String(),
      on: Type.Boolean({ description: 'Switch state, or whether the switch it requires is on' }),
      limit: nullable(Type.Integer()),
      unlimited: Type.Boolean(),
      used: Type.Integer(),
      held: Type.Integer(),
      remaining: nullable(Type.Integer()),
      window,
      resetsAt: nullable(Type.String()),
      mode: Type.String({ description: 'What stays possible once access has lapsed' }),
      source: Type.String({ description: 'What set the limit: plan, override or none' }),
      planVersion: nullable(Type.String()),
    }),
  ),
})

const usage = Type.Object({
  workspace: Type.String(),
  feature: Type.String(),
  window,
  total: Type.Integer(),
  ...accuracy,
  days: Type.Array(
    Type.Object({
      day: Type.String(),
      used: nullable(Type.Integer()),
      meters: Type.Record(Type.String(), nullable(Type.Integer())),
    }),
  ),
})

/** `GET /v1/workspaces/:ws/entitlements` and `/usage`: what there is, and what is used of it. */
export function workspaceRoutes(app: FastifyInstance, { check, archive }: ApiContext): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>()
  const shape = { tags: ['workspaces'], security: [{ key: [] }], params }
  routes.get(
    '/v1/workspaces/:ws/entitlements',
    {
      config: { scope: ['check', 'usage:read'] },
      schema: {
        ...shape,
        summary: 'Every feature with its limit and use',
        response: { 200: entitlements, default: problem },
      },
    },
    async ({ params: { ws } }) => {
      const found = await readEntitlements(check, ws)
      const first = found.uses[0]?.entitlement
      return {
        workspace: ws,
        plan: first?.plan ?? null,
        status: first?.status ?? 'none',
        access: first?.access ?? 'none',
        ...presentAccuracy(found.accuracy),
        entitlements: found.uses.map(presentUse),
      }
    },
  )
  routes.get(
    '/v1/workspaces/:ws/usage',
    {
      config: { scope: 'usage:read' },
      schema: {
        ...shape,
        summary: 'Use of a feature by UTC day',
        querystring: Type.Object(
          { feature: featureKey, from: Type.Optional(day), to: Type.Optional(day) },
          { additionalProperties: false },
        ),
        response: { 200: usage, default: problem },
      },
    },
    async ({ params: { ws }, query: { feature, from, to } }) => {
      const until = to === undefined ? check.now() : readInstant(to, 'to')
      const since = from === undefined ? until - 30 * DAY_MS : readInstant(from, 'from')
      const found = await readUsage({ ...check, archive }, { workspace: ws, feature, from: since, to: until })
      return {
        workspace: ws,
        feature,
        window: presentWindow(found.window),
        total: found.total,
        ...presentAccuracy(found.accuracy),
        days: found.days.map(({ day: name, ...rest }) => ({
          day: `${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6)}`,
          used: rest.used,
          meters: { ...rest.meters },
        })),
      }
    },
  )
}

function presentUse({ entitlement, usage: { used, held } }: EntitlementUse) {
  const { featureKey: feature, feature: sold, on, source, planVersion, resetsAt } = entitlement
  const limit = source === 'none' ? null : entitlement.limit
  return {
    feature,
    kind: sold.kind,
    on,
    limit,
    unlimited: limit === null && sold.kind !== 'switch' && source !== 'none',
    used,
    held,
    remaining: limit === null ? null : minus(minus(limit, used), held),
    window: presentWindow(entitlement.window),
    resetsAt: isoOrNull(resetsAt),
    mode: sold.lapse,
    source,
    planVersion,
  }
}
