import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { commitReservation, releaseReservation, reserve } from '#core/operations/reserve.ts'
import { Type } from '#drivers/json-schema.ts'
import type { RouteContext } from '../context.ts'
import { decisionCounter } from '../count-decision.ts'
import { isoOrNull, presentDecision } from '../present.ts'
import { readOperation } from '../read-operation.ts'
import { problem } from '../schemas.ts'
import {
  commitBody,
  committed,
  releaseBody,
  released,
  reservationId,
  reserveBody,
  reserved,
} from '../use-schemas.ts'

const shape = { tags: ['use'], security: [{ key: [] }] }
const params = Type.Object({ id: reservationId })

/** `POST /v1/reservations` and what becomes of them: commit or release. */
export function reservationRoutes(app: FastifyInstance, context: RouteContext): void {
  const { check, holds } = context
  const count = decisionCounter(context)
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/reservations',
    {
      config: { scope: 'consume' },
      schema: {
        ...shape,
        summary: 'Hold units for a while without counting them',
        body: reserveBody,
        response: { 200: reserved, default: problem },
      },
    },
    async ({ body }) => {
      const made = await reserve(
        { ...check, holds },
        { ...readOperation('reserve', body), ttlMs: body.ttlMs },
      )
      if (!made.replayed) made.decisions.forEach(count)
      return {
        allowed: made.allowed,
        reservation: body.id,
        held: made.remainingMs !== null,
        expiresAt: isoOrNull(made.expiresAt),
        remainingMs: made.remainingMs,
        decisions: made.decisions.map((one) => presentDecision(one, false)),
        granted: [...made.granted],
        replayed: made.replayed,
      }
    },
  )
  resolveRoutes(app, context)
}

function resolveRoutes(app: FastifyInstance, { holds, usage, waits }: RouteContext): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>()
  routes.post(
    '/v1/reservations/:id/commit',
    {
      config: { scope: 'consume' },
      schema: {
        ...shape,
        summary: 'Count what was used of a reservation; the rest is returned',
        params,
        body: commitBody,
        response: { 200: committed, default: problem },
      },
    },
    async ({ params: { id }, body: { workspace, quantities = null }, apiKey }) => {
      const made = await waits.during(apiKey, (pause) =>
        commitReservation({ holds, sink: usage, pause }, { workspace, operation: id, quantities }),
      )
      const { replayed } = made
      return {
        workspace,
        reservation: id,
        quantities: [...made.quantities],
        eventIds: [...made.eventIds],
        replayed,
      }
    },
  )
  routes.post(
    '/v1/reservations/:id/release',
    {
      config: { scope: 'consume' },
      schema: {
        ...shape,
        summary: 'Give a reservation back',
        params,
        body: releaseBody,
        response: { 200: released, default: problem },
      },
    },
    async ({ params: { id }, body: { workspace } }) => {
      await releaseReservation(holds, { workspace, operation: id })
      return { workspace, reservation: id }
    },
  )
}
