import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toIso } from '#core/instant.ts'
import { Type } from '#drivers/json-schema.ts'
import type { ShardState } from '#drivers/redis/shard-states.ts'
import type { ApiContext } from '../context.ts'
import { forEveryWorkspace } from '../plugins/every-workspace.ts'
import { nullable, problem, time } from '../schemas.ts'

const answer = Type.Object({
  at: time,
  partitions: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      position: Type.Integer({
        description: 'The next record of usage.events that some shard has not counted',
      }),
      end: nullable(Type.Integer({ description: 'After the last record; null when Kafka does not say' })),
      lagRecords: nullable(Type.Integer()),
      lagMs: nullable(Type.Integer({ description: 'How long ago counting was level with the log, or came' })),
      enforcementLagMs: nullable(
        Type.Integer({
          description:
            'Longest time from append to counted of late; null where nothing was counted within a minute',
        }),
      ),
    }),
  ),
  shards: Type.Array(Type.Object({ shard: Type.Integer(), state: Type.Enum(['ready', 'rebuilding']) })),
})

/** `GET /v1/system`: how far counting is behind the log, and how each shard does. */
export function systemRoutes(app: FastifyInstance, { check, system }: ApiContext): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/system',
    {
      config: { scope: 'usage:read' },
      onRequest: forEveryWorkspace,
      schema: {
        tags: ['system'],
        security: [{ key: [] }],
        summary: 'Lag of counting by partition, and the state of each shard',
        response: { 200: answer, default: problem },
      },
    },
    async () => {
      const [shards, ends, lags] = await Promise.all([
        system.shards(),
        system.ends(),
        system.enforcementLags(),
      ])
      const now = check.now()
      return {
        at: toIso(now),
        partitions: Array.from({ length: system.partitions }, (_, partition) => {
          const place = partitionOf(partition, { shards, end: ends?.get(partition) ?? null, now })
          return { ...place, enforcementLagMs: lags.get(partition) ?? null }
        }),
        shards: shards.map(({ shard, isReady }) => {
          return { shard, state: isReady ? ('ready' as const) : ('rebuilding' as const) }
        }),
      }
    },
  )
}

interface PartitionInput {
  readonly shards: readonly ShardState[]
  readonly end: number | null
  readonly now: number
}

/** A partition has come as far as the shard that is furthest behind. */
function partitionOf(partition: number, { shards, end, now }: PartitionInput) {
  const position = Math.min(...shards.map(({ covered }) => (covered.get(partition) ?? -1) + 1))
  const at = Math.min(...shards.map(({ coveredAt }) => coveredAt.get(partition) ?? 0))
  return {
    partition,
    position,
    end,
    lagRecords: end === null ? null : Math.max(end - position, 0),
    lagMs: at === 0 ? null : Math.max(now - at, 0),
  }
}
