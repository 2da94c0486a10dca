import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import { type ApiKey, mayTouch } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import { cappedToDate, toIso } from '#core/instant.ts'
import { Type } from '#drivers/json-schema.ts'
import type { KeptLetter, LetterQuery } from '#drivers/mongo/letter-log.ts'
import type { ApiContext } from '../context.ts'
import { readInstant } from '../read-instant.ts'
import { nullable, problem, time, workspaceId } from '../schemas.ts'

const PAGE = 50

const code = Type.String({ pattern: '^[a-z_]{1,40}$', description: 'Why it was set aside' })
const letterId = Type.String({ pattern: '^[0-9]{19}-[0-9]{1,6}-[0-9]{1,16}$', description: 'A letter' })
const letter = Type.Object({
  id: Type.String(),
  workspace: nullable(
    Type.String({ description: 'Key of the record; null where it had none that is an id' }),
  ),
  code: Type.String(),
  reason: Type.String(),
  failedAt: time,
  topic: Type.String(),
  partition: Type.Integer(),
  offset: Type.Integer(),
  schemaId: nullable(Type.Integer()),
  origin: Type.String({ description: 'Where the record first stood; sent again, it stands elsewhere too' }),
  isCut: Type.Boolean({ description: 'Too large to be kept whole, or to be read; it cannot be sent again' }),
})
const query = Type.Object(
  {
    code: Type.Optional(code),
    workspace: Type.Optional(workspaceId),
    from: Type.Optional(time),
    to: Type.Optional(time),
    cursor: Type.Optional(letterId),
  },
  { additionalProperties: false },
)
const answer = Type.Object({
  letters: Type.Array(letter),
  cursor: nullable(Type.String({ description: 'Pass it on to read older ones' })),
  summary: Type.Array(Type.Object({ code: Type.String(), count: Type.Integer(), newest: time })),
  redrives: Type.Array(
    Type.Object({
      topic: Type.String({ description: 'Where the records were refused' }),
      command: Type.String({ description: 'Shows the same; with --yes it sends them again' }),
      found: Type.Integer({ description: 'Records: of each the newest letter' }),
      sentBefore: Type.Integer(),
      cut: Type.Integer(),
      statesCount: Type.Integer({ description: 'Left out: each would set a count back to what it was' }),
      wouldSend: Type.Integer(),
    }),
  ),
  isWhole: Type.Boolean({
    description: 'False where summary and redrives count the newest 2,000 letters alone',
  }),
})

/** `GET /v1/dead-letters`: what was set aside and why, newest first; one of them with its bytes for admins. */
export function deadLetterRoutes(app: FastifyInstance, { letters }: ApiContext): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  typed.get(
    '/v1/dead-letters',
    {
      config: { scope: 'usage:read' },
      schema: {
        tags: ['system'],
        security: [{ key: [] }],
        summary: 'Records that were set aside, without their bytes, and what a redrive of them would do',
        querystring: query,
        response: { 200: answer, default: problem },
      },
    },
    async ({ query: asked, apiKey }) => {
      const meant = meantBy(asked, apiKey)
      const [page, overview] = await Promise.all([
        letters.page(meant, { cursor: asked.cursor ?? null, limit: PAGE }),
        letters.overview(meant),
      ])
      return {
        letters: page.letters.map(present),
        cursor: page.cursor,
        summary: overview.summary.map((one) => ({ ...one, newest: toIso(one.newest) })),
        redrives: overview.redrives.map((preview) => {
          return {
            ...preview,
            command: commandOf({ ...asked, ...spelled(asked, meant), topic: preview.topic }),
          }
        }),
        isWhole: overview.isWhole,
      }
    },
  )
  typed.get(
    '/v1/dead-letters/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['system'],
        security: [{ key: [] }],
        summary: 'One record that was set aside, with its bytes',
        params: Type.Object({ id: letterId }),
        response: {
          200: Type.Object({ ...letter.properties, value: nullable(Type.String({ description: 'base64' })) }),
          default: problem,
        },
      },
    },
    async ({ params: { id }, apiKey }) => {
      const found = await letters.one(id)
      if (found === null || !mayRead(apiKey, found.workspace))
        throw new TallygateError('not_found', `no dead letter "${id}" is known to this key`)
      return { ...present(found), value: found.value }
    },
  )
}

/** A key that is bound to workspaces asks for one of them: letters without a workspace are everybody's. */
function meantBy(asked: Static<typeof query>, apiKey: ApiKey | null): LetterQuery {
  const workspace = asked.workspace ?? null
  if (workspace === null && apiKey?.workspaces !== '*') {
    const message = 'this key is for some workspaces: say which one'
    throw new TallygateError('invalid_request', message, { field: 'workspace' })
  }
  if (!mayRead(apiKey, workspace)) {
    throw new TallygateError('not_found', `no workspace "${workspace}" is known to this key`)
  }
  const [from, to] = [readOr(asked.from, 'from', 0), readOr(asked.to, 'to', Number.MAX_SAFE_INTEGER)]
  if (from >= to) throw new TallygateError('invalid_request', 'from must be before to', { field: 'from' })
  return { code: asked.code ?? null, workspace, from, to }
}

function mayRead(apiKey: ApiKey | null, workspace: string | null): boolean {
  if (apiKey === null) return false
  return workspace === null ? apiKey.workspaces === '*' : mayTouch(apiKey, workspace)
}

function readOr(text: string | undefined, field: string, otherwise: number): number {
  return text === undefined ? otherwise : Math.max(readInstant(text, field), 0)
}

/** Times as a shell takes them for one word and the command for times: they may be asked for with a space, or past the year 9999. */
function spelled(
  { from, to }: Static<typeof query>,
  meant: LetterQuery,
): Pick<Static<typeof query>, 'from' | 'to'> {
  return {
    ...(from === undefined ? {} : { from: toIso(cappedToDate(meant.from)) }),
    ...(to === undefined ? {} : { to: toIso(cappedToDate(meant.to)) }),
  }
}

function commandOf({ cursor: _, ...asked }: Static<typeof query> & { readonly topic: string }): string {
  const options = Object.entries(asked).map(([name, value]) => `--${name} ${value}`)
  return ['npx tallygate redrive', ...options].join(' ')
}

function present(kept: Omit<KeptLetter, 'value'>) {
  const {
    id,
    workspace,
    code: why,
    reason,
    failedAt,
    topic,
    partition,
    offset,
    schemaId,
    origin,
    isCut,
  } = kept
  const place = { topic, partition, offset, schemaId, origin, isCut }
  return { id, workspace, code: why, reason, failedAt: toIso(failedAt), ...place }
}
