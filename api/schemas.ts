import type { Static } from 'typebox'
import { QUANTITY_MAX } from '#core/amount.ts'
import { intents } from '#core/catalogue/feature.ts'
import { allowedReasons, deniedReasons } from '#core/entitlement/decision.ts'
import { Type } from '#drivers/json-schema.ts'

const exact = { additionalProperties: false } as const
/** The most that a body with a catalogue may have: it is larger than a question. */
export const CATALOGUE_BYTES_MAX = 1_048_576

const ID = '^[A-Za-z0-9._:-]+$'
/** What an id is that a path can name: clients take `.` and `..` out of a path before they send it (RFC 3986, 5.2.4). */
export const ID_OF_PATH = '^(\\.{0,2}[A-Za-z0-9_:-]|\\.{3})[A-Za-z0-9._:-]*$'

/** An id of so many characters at most. */
export const id = (maxLength: number, description: string, pattern = ID) =>
  Type.String({ minLength: 1, maxLength, pattern, description })
const nullable = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) =>
  Type.Union([schema, Type.Null()])
/** A key of the catalogue: plan, feature, meter or add-on. */
export const catalogueKey = (description: string) =>
  Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_]+$', description })
const instant = (description: string) => Type.String({ format: 'date-time', description })

/** A workspace id, as it stands in bodies and paths. */
export const workspaceId = id(64, 'Workspace')

/** An order id, as a cursor of the order history. */
export const orderId = id(128, 'Order')

/** A place in a history that is read downwards from it: queries are text. */
export const positionCursor = Type.String({
  pattern: '^[1-9][0-9]{0,15}$',
  description: 'As the page before stated',
})

/** A point in time as ISO-8601 UTC. */
export const time = Type.String({ format: 'date-time' })

/** A feature key. */
export const featureKey = catalogueKey('Feature of the catalogue')

/** One of several things asked about a workspace. */
export const checkItem = Type.Object(
  {
    feature: featureKey,
    quantity: Type.Integer({ minimum: 0, maximum: QUANTITY_MAX, default: 1, description: 'Units to add' }),
    intent: Type.Enum([...intents], { default: 'add' }),
    meter: Type.Optional(catalogueKey('Meter of the feature')),
    subject: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        pattern: '^(\\+[0-9]{1,20}|[A-Za-z0-9._:-]+)$',
        description: 'Resource of a distinct meter: an id, or a phone number',
      }),
    ),
  },
  exact,
)

/** Body of `POST /v1/check`. */
export const checkBody = Type.Object(
  {
    workspace: workspaceId,
    ...checkItem.properties,
    at: Type.Optional(
      instant(
        'A past instant, at most 400 days back: answered from history, the trace says what is not known',
      ),
    ),
    minFreshnessMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400_000,
        description:
          'Waits until everything that was appended longer ago than this is counted; 503 if that takes too long',
      }),
    ),
    after: Type.Optional(
      Type.String({
        pattern: '^c~[A-Za-z0-9._:-]{1,100}~[0-9]{1,3}$',
        description: 'An event id that consuming or committing returned: waits until it is counted',
      }),
    ),
    explain: Type.Boolean({
      default: false,
      description: 'With the trace, for people: such a decision is in no list of denials and in no metric',
    }),
  },
  exact,
)

/** Body of `POST /v1/checks`. */
export const checksBody = Type.Object(
  {
    workspace: workspaceId,
    items: Type.Array(checkItem, { minItems: 1, maxItems: 100 }),
    explain: Type.Boolean({
      default: false,
      description: 'With the trace, for people: such a decision is in no list of denials and in no metric',
    }),
  },
  exact,
)
/** One item of a check, as the body states it. */
export type CheckItemBody = Static<typeof checkItem>

/** A way out of a denial. */
export const unblock = Type.Object({
  action: Type.Enum(['add_seats', 'upgrade', 'add_on', 'pay', 'wait_until', 'remove', 'contact_support']),
  seats: Type.Optional(Type.Integer()),
  plan: Type.Optional(Type.String()),
  addOn: Type.Optional(Type.String()),
  quantity: Type.Optional(Type.Integer()),
  orderId: Type.Optional(Type.String()),
  at: Type.Optional(instant('From when on')),
})

/** A decision, as every route prints it. */
export const decision = Type.Object({
  allowed: Type.Boolean({
    description: 'May it be done; true for every request of a feature in shadow mode',
  }),
  reason: Type.Enum([...allowedReasons, ...deniedReasons], {
    description: 'In shadow mode the reason that enforcing would give',
  }),
  workspace: Type.String(),
  feature: Type.String(),
  quantity: Type.Integer(),
  limit: nullable(Type.Integer()),
  used: Type.Integer(),
  held: Type.Integer(),
  remaining: nullable(Type.Integer()),
  unlimited: Type.Boolean(),
  window: nullable(Type.Object({ from: instant('First instant'), to: instant('First instant after it') })),
  resetsAt: nullable(instant('When a new allowance begins')),
  plan: nullable(Type.String()),
  planVersion: nullable(Type.String()),
  status: Type.String(),
  overLimit: nullable(
    Type.Object({
      since: nullable(instant('Since when')),
      graceEndsAt: nullable(instant('Until when tolerated')),
    }),
  ),
  unblock: Type.Array(unblock),
  asOf: nullable(instant('Everything appended up to here is counted')),
  lagMs: nullable(Type.Integer()),
  exact: Type.Boolean(),
  degraded: Type.Boolean(),
  trace: Type.Optional(
    Type.Array(
      Type.Object({ step: Type.String(), detail: Type.String(), data: Type.Optional(Type.Unknown()) }),
    ),
  ),
})

/** Several decisions of one workspace. */
export const decisions = Type.Object({ allowed: Type.Boolean(), decisions: Type.Array(decision) })

/** A failure (RFC 9457), as every route answers it. */
export const problem = {
  description: 'A failure; `code` is stable, `detail` says what to do',
  content: {
    'application/problem+json': {
      schema: Type.Object(
        {
          type: Type.String({ description: 'urn:tallygate:error: and the code' }),
          title: Type.String(),
          status: Type.Integer(),
          code: Type.String(),
          detail: Type.String(),
          request: Type.String(),
        },
        { additionalProperties: true },
      ),
    },
  },
}

/** Accuracy, as the read routes print it. */
export const accuracy = {
  asOf: nullable(instant('Everything appended up to here is counted')),
  lagMs: nullable(Type.Integer()),
  exact: Type.Boolean(),
}

/** A value or null. */
export { nullable }
