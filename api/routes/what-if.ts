import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import { toIso } from '#core/instant.ts'
import { unhurried } from '#core/operations/read-workspace.ts'
import {
  type NewDenial,
  type WhatIfDeps,
  type WhatIfResult,
  whatIfCatalogue,
  whatIfSubscription,
} from '#core/operations/what-if.ts'
import type { SubscriptionWish } from '#core/what-if/change-subscription.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ApiContext } from '../context.ts'
import { presentUnblock } from '../present.ts'
import { CATALOGUE_BYTES_MAX, nullable, problem, unblock, workspaceId } from '../schemas.ts'

const body = Type.Object(
  {
    catalogue: Type.Optional(
      Type.Unknown({ description: 'Another catalogue, for all workspaces of the key' }),
    ),
    cursor: Type.Optional({ ...workspaceId, description: 'With catalogue: where the last page ended' }),
    workspace: Type.Optional(workspaceId),
    plan: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    seats: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    addOns: Type.Optional(
      Type.Array(
        Type.Object(
          { key: Type.String({ maxLength: 64 }), quantity: Type.Integer({ minimum: 1, maximum: 10_000 }) },
          { additionalProperties: false },
        ),
        { maxItems: 20, description: 'All add-ons there would be' },
      ),
    ),
  },
  { additionalProperties: false },
)

const answer = Type.Object({
  denied: Type.Array(
    Type.Object({
      workspace: Type.String(),
      feature: Type.String(),
      since: Type.String({ format: 'date-time', description: 'From when on one more is denied' }),
      reason: Type.String({
        description: 'The reason that a decision would give; unknown_feature where the feature is taken out',
      }),
      limit: nullable(Type.Integer()),
      used: Type.Integer(),
      unblock: Type.Array(unblock),
      limitNow: nullable(Type.Integer({ description: 'The limit as it is' })),
    }),
  ),
  workspaces: Type.Integer({ description: 'Workspaces looked at, at most 200 an answer' }),
  unknown: Type.Array(Type.String({ description: 'Workspaces that could not be read now' })),
  cursor: nullable(Type.String({ description: 'Pass it on, with the same catalogue, to look at more' })),
})

/** `POST /v1/what-if`: over real use, who would be denied what, since when, and what they would be told. */
export function whatIfRoutes(
  app: FastifyInstance,
  { check, proposeCatalogue, workspacesAfter }: ApiContext,
): void {
  const deps = { ...check, inTime: unhurried, workspacesAfter }
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/what-if',
    {
      bodyLimit: CATALOGUE_BYTES_MAX,
      config: { scope: 'usage:read' },
      schema: {
        tags: ['decisions'],
        security: [{ key: [] }],
        summary:
          'Who would newly, or sooner, be denied what under another catalogue or subscription; changes nothing',
        body,
        response: { 200: answer, default: problem },
      },
    },
    async ({ body: asked, apiKey }) => {
      const { catalogue, cursor, workspace } = asked
      requireOneQuestion(asked)
      if (workspace !== undefined) {
        return present(await whatIfSubscription(deps, { workspace, wish: wishOf(asked) }))
      }
      const seen = { workspacesAfter: workspacesOf(apiKey, deps) }
      const proposed = await proposeCatalogue(catalogue, seen)
      const result = await whatIfCatalogue(
        { ...deps, ...seen },
        { catalogue: proposed, cursor: cursor ?? null },
      )
      return present(result)
    },
  )
}

/** A key that is bound to workspaces pages over its own list, so that no answer says which others there are. */
function workspacesOf(
  apiKey: ApiKey | null,
  { workspacesAfter }: Pick<WhatIfDeps, 'workspacesAfter'>,
): WhatIfDeps['workspacesAfter'] {
  if (apiKey?.workspaces === '*') return workspacesAfter
  const own = [...(apiKey?.workspaces ?? [])].sort()
  return async (after, limit) => own.filter((workspace) => workspace > after).slice(0, limit)
}

type Asked = Static<typeof body>

/** Either a catalogue (and a cursor), or a workspace with at least one thing to change. */
function requireOneQuestion({ catalogue, cursor, workspace, ...wish }: Asked): void {
  const wished = Object.keys(wish)[0]
  if (workspace === undefined) {
    if (catalogue === undefined)
      throw wrong('catalogue', 'send a catalogue, or a workspace and what to change')
    if (wished !== undefined) throw wrong(wished, `${wished} needs a workspace`)
    return
  }
  if (catalogue !== undefined) throw wrong('catalogue', 'send either a catalogue or a workspace')
  if (cursor !== undefined) throw wrong('cursor', 'a cursor goes with a catalogue')
  if (wished === undefined) throw wrong('plan', 'say what to change: plan, seats or addOns')
}

function wrong(field: string, message: string): TallygateError {
  return new TallygateError('invalid_request', message, { field })
}

function wishOf({ plan, seats, addOns }: Asked): SubscriptionWish {
  return {
    ...(plan === undefined ? {} : { plan }),
    ...(seats === undefined ? {} : { seats }),
    ...(addOns === undefined ? {} : { addOns }),
  }
}

function present({ denied, workspaces, unknown, cursor }: WhatIfResult) {
  return { denied: denied.map(presentDenial), workspaces, unknown: [...unknown], cursor }
}

function presentDenial({ since, unblock: ways, ...denial }: NewDenial) {
  return { ...denial, since: toIso(since), unblock: ways.map(presentUnblock) }
}
