import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { toIso } from '#core/instant.ts'
import { type Quote, quote } from '#core/operations/quote.ts'
import { lineKinds, type QuoteLine } from '#core/quote/price-line.ts'
import type { QuoteWish } from '#core/quote/sale.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { readInstant } from '../read-instant.ts'
import { catalogueKey, nullable, problem, time, workspaceId } from '../schemas.ts'

const exact = { additionalProperties: false } as const
const units = { minimum: 1, maximum: 1_000_000 } as const

const body = Type.Object(
  {
    workspace: workspaceId,
    plan: Type.Optional(catalogueKey('Plan to be on')),
    seats: Type.Optional(Type.Integer({ ...units, description: 'All seats there shall be' })),
    termMonths: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 120,
        description: 'A new term; without it the running one, or such a term where that is over',
      }),
    ),
    addOns: Type.Optional(
      Type.Array(
        Type.Object({ key: catalogueKey('Add-on'), quantity: Type.Integer({ ...units, default: 1 }) }, exact),
        { maxItems: 20, description: 'Packs to buy beside those that run' },
      ),
    ),
    at: Type.Optional(Type.String({ format: 'date-time', description: 'When it would be bought; now' })),
  },
  exact,
)

const line = Type.Object({
  kind: Type.Enum([...lineKinds]),
  item: Type.String({ description: 'Plan or add-on' }),
  quantity: Type.Integer({ description: 'Seats or packs' }),
  unitMinor: Type.Integer({ description: 'For one and a month; of an upgrade the difference' }),
  months: Type.Integer({ description: 'Whole months' }),
  partOfMonth: nullable(Type.Object({ ms: Type.Integer(), ofMs: Type.Integer() })),
  discountPercent: Type.Integer(),
  from: time,
  until: time,
  amountMinor: Type.Integer({ description: 'Rounded half up once' }),
})

const answer = Type.Object({
  workspace: Type.String(),
  currency: Type.String(),
  payment: Type.Object({
    methods: Type.Array(Type.String()),
    installments: Type.Array(Type.String()),
    autoRenewOff: Type.Array(Type.String()),
  }),
  plan: Type.String(),
  seats: Type.Integer(),
  periodEnd: time,
  lines: Type.Array(line),
  totalMinor: Type.Integer(),
  limits: Type.Array(
    Type.Object({
      feature: Type.String(),
      kind: Type.String(),
      on: Type.Boolean({ description: 'Switch state, or whether the switch it requires is on' }),
      limit: nullable(Type.Integer()),
      unlimited: Type.Boolean(),
      source: Type.String({ description: 'What would set the limit: plan, override or none' }),
      planVersion: nullable(Type.String()),
    }),
  ),
  catalogueRevision: Type.Integer(),
  at: time,
})

/** `POST /v1/quote`: what a purchase, a renewal or a change inside the term would cost and give. */
export function quoteRoutes(app: FastifyInstance, { check }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/quote',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['quotes'],
        security: [{ key: [] }],
        summary: 'Price of a plan, seats, a term and packs, prorated; nothing is bought',
        body,
        response: { 200: answer, default: problem },
      },
    },
    async ({ body: { workspace, at, ...wish } }) => {
      const instant = at === undefined ? null : readInstant(at, 'at')
      return presentQuote(workspace, await quote(check, { workspace, at: instant, wish: wishOf(wish) }))
    },
  )
}

function wishOf({
  plan,
  seats,
  termMonths,
  addOns,
}: Omit<Static<typeof body>, 'workspace' | 'at'>): QuoteWish {
  return {
    ...(plan === undefined ? {} : { plan }),
    ...(seats === undefined ? {} : { seats }),
    ...(termMonths === undefined ? {} : { termMonths }),
    addOns: addOns ?? [],
  }
}

function presentQuote(workspace: string, { payment, subscription, ...quoted }: Quote) {
  const { currency, methods, installments, autoRenewOff } = payment
  return {
    workspace,
    currency,
    payment: {
      methods: [...methods],
      installments: [...installments],
      autoRenewOff: [...autoRenewOff],
    },
    plan: subscription.plan,
    seats: subscription.seats,
    periodEnd: toIso(subscription.periodEnd),
    lines: quoted.lines.map(presentLine),
    totalMinor: quoted.totalMinor,
    limits: quoted.limits.map(({ featureKey, feature, on, limit, source, planVersion }) => ({
      feature: featureKey,
      kind: feature.kind,
      on,
      limit: source === 'none' ? null : limit,
      unlimited: limit === null && feature.kind !== 'switch',
      source,
      planVersion,
    })),
    catalogueRevision: quoted.catalogueRevision,
    at: toIso(quoted.at),
  }
}

function presentLine({ time: { months, part }, from, until, ...line }: QuoteLine) {
  return { ...line, months, partOfMonth: part, from: toIso(from), until: toIso(until) }
}
