import type { Static } from 'typebox'
import { QUANTITY_MAX } from '#core/amount.ts'
import { RESERVATION_MAX_MS } from '#core/usage/hold.ts'
import { Type } from '#drivers/json-schema.ts'
import {
  catalogueKey,
  checkItem,
  decision,
  featureKey,
  ID_OF_PATH,
  id,
  nullable,
  time,
  workspaceId,
} from './schemas.ts'

const exact = { additionalProperties: false } as const

/** Id of an operation: the same for each retry. What a path cannot name could be held, and never committed. */
export const operationId = id(
  100,
  'Unique in its workspace, the same on each retry; not . or .. alone, which no path can name',
  ID_OF_PATH,
)

/** Id of a reservation in a path, also one that an earlier version took. */
export const reservationId = id(100, 'As it was given to reserve')

/** Something to use. */
const useItem = Type.Object(
  {
    feature: featureKey,
    quantity: Type.Integer({ minimum: 1, maximum: QUANTITY_MAX, default: 1, description: 'Units to use' }),
    meter: Type.Optional(catalogueKey('Meter of the feature; needed when it has several')),
    subject: checkItem.properties.subject,
    function: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        pattern: '^[A-Za-z0-9_]+$',
        description: 'Its weight in the catalogue replaces the quantity',
      }),
    ),
  },
  exact,
)
/** Something to use, as the body states it. */
export type UseItemBody = Static<typeof useItem>

const use = {
  workspace: workspaceId,
  id: operationId,
  items: Type.Array(useItem, { minItems: 1, maxItems: 100 }),
  occurredAt: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'When it happened, at most 24 h ago; the same on each retry. Now when left out',
    }),
  ),
  partial: Type.Boolean({ default: false, description: 'As many units as fit, instead of all or none' }),
}

/** Body of `POST /v1/consume`. */
export const consumeBody = Type.Object(use, exact)

/** Body of `POST /v1/reservations`. */
export const reserveBody = Type.Object(
  {
    ...use,
    ttlMs: Type.Integer({
      minimum: 1,
      maximum: RESERVATION_MAX_MS,
      default: 60_000,
      description: 'How long it is held',
    }),
  },
  exact,
)

/** Body of `POST /v1/reservations/:id/commit`. */
export const commitBody = Type.Object(
  {
    workspace: workspaceId,
    quantities: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: QUANTITY_MAX }), {
        minItems: 1,
        maxItems: 100,
        description: 'What was used of each item, at most what was reserved; all of it when left out',
      }),
    ),
  },
  exact,
)

/** Body of `POST /v1/reservations/:id/release`. */
export const releaseBody = Type.Object({ workspace: workspaceId }, exact)

const answer = {
  allowed: Type.Boolean({ description: 'Whether anything was admitted: without `partial` all of it' }),
  decisions: Type.Array(decision),
  granted: Type.Array(Type.Integer(), { description: 'Units admitted of each item' }),
  replayed: Type.Boolean({ description: 'The same id was answered before' }),
}
const eventIds = Type.Array(Type.String(), { description: 'Events that count it; a check can wait for them' })

/** What consuming answers. */
export const consumed = Type.Object({ ...answer, eventIds })

/** What reserving answers. */
export const reserved = Type.Object({
  ...answer,
  reservation: Type.String(),
  held: Type.Boolean({
    description:
      'Whether units are set aside now; never compare `expiresAt` with a clock of yours to find out',
  }),
  expiresAt: nullable(
    Type.String({
      description:
        'Until when it is held; null when denied, not in the future when nothing is held: allowed without a hold, or over by now',
    }),
  ),
  remainingMs: nullable(
    Type.Integer({ description: 'How long it is held from now on; null when nothing is held' }),
  ),
})

/** What committing answers. */
export const committed = Type.Object({
  workspace: Type.String(),
  reservation: Type.String(),
  quantities: Type.Array(Type.Integer()),
  eventIds,
  replayed: Type.Boolean(),
})

/** What releasing answers. */
export const released = Type.Object({ workspace: Type.String(), reservation: Type.String() })

/** An instant of a body. */
export { time }
