import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { deadLetterCodes } from '#core/errors.ts'
import { noteCorrections } from '#core/operations/note-corrections.ts'
import { Type } from '#drivers/json-schema.ts'
import { usageRecords } from '#schemas/records.ts'
import { actorOf } from '../actor.ts'
import type { ApiContext } from '../context.ts'
import { problem } from '../schemas.ts'
import { type TakenEvent, takeEvent } from '../take-event.ts'

const BODY_BYTES_MAX = 1_048_576
/** Records that others may write; the split of a day is ours alone. */
const records = usageRecords.filter((record) => record !== 'WindowStartedEvent')

const body = Type.Object(
  {
    events: Type.Array(
      Type.Object(
        {
          record: Type.Enum(records, { description: 'Record; its fields stand beside it' }),
          workspace: Type.String(),
        },
        { additionalProperties: true },
      ),
      { minItems: 1, maxItems: 500 },
    ),
  },
  { additionalProperties: false },
)

/** What a newer catalogue may know: it is read before that is refused. */
const ofCatalogue: ReadonlySet<string> = new Set(['unknown_meter', 'unknown_function'])

const answer = Type.Object({
  accepted: Type.Integer({ description: 'Events that are in the log now' }),
  refused: Type.Integer(),
  results: Type.Array(
    Type.Object({
      id: Type.Union([Type.String(), Type.Null()]),
      accepted: Type.Boolean(),
      code: Type.Optional(Type.Enum(deadLetterCodes)),
      reason: Type.Optional(Type.String()),
    }),
    { description: 'In the order of the events' },
  ),
})

/** `POST /v1/events`: usage for services without a Kafka client. */
export function eventRoutes(app: FastifyInstance, { check, usage, noteCorrection }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/v1/events',
    {
      config: { scope: 'events:write' },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        tags: ['use'],
        security: [{ key: [] }],
        summary: 'Report up to 500 usage events; answered once the accepted ones are in the log',
        body,
        response: { 200: answer, default: problem },
      },
    },
    async ({ body: { events }, apiKey }) => {
      const now = check.now()
      const catalogue = check.catalogue.remembered()
      const take = (known: Catalogue): readonly TakenEvent[] =>
        events.map((event) => takeEvent(event, { catalogue: known, now, encode: usage.encode.bind(usage) }))
      const first = take(catalogue)
      const isNew = first.some((one) => !one.accepted && ofCatalogue.has(one.code))
      const taken = isNew ? take(await check.catalogue.load(catalogue.revision + 1)) : first
      const written = events.filter((_, index) => taken[index]?.accepted === true)
      const deps = { counters: check.counters, catalogue: check.catalogue.remembered(), now }
      await noteCorrections({ ...deps, by: actorOf(apiKey), append: noteCorrection }, written)
      await usage.send(taken.flatMap((one) => (one.accepted ? [one.outgoing] : [])))
      const accepted = taken.filter((one) => one.accepted).length
      const results = taken.map((one) =>
        one.accepted ? { id: one.id, accepted: true } : { ...one, accepted: false },
      )
      return { accepted, refused: taken.length - accepted, results }
    },
  )
}
