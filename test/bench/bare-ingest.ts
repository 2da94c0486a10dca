import { randomUUID } from 'node:crypto'
import { dayOf } from '#core/instant.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SLICE_MAX } from '#drivers/redis/apply.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys, SHARDS_DEFAULT, type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'

/**
 * Seconds in which kafkajs alone takes so many records from `usage.events`, from the moment it has its partitions; with `decode`,
 * which reads the fields of each.
 */
export async function readBare(records: number, decode?: (value: Buffer) => unknown): Promise<number> {
  const log = createLogger('bench', 'silent')
  const kafka = connectKafka({ brokers: engineAddresses().kafka, clientId: 'bare', log })
  const consumer = kafka.consumer({ groupId: `bare-${randomUUID()}` })
  await consumer.connect()
  await consumer.subscribe({ topic: 'usage.events', fromBeginning: true })
  let read = 0
  let startedAt = 0
  consumer.on(consumer.events.GROUP_JOIN, () => {
    startedAt = performance.now()
  })
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch }) => {
      if (decode !== undefined) for (const { value } of batch.messages) if (value !== null) decode(value)
      read += batch.messages.length
    },
  })
  await eventually(
    async () => read,
    (count) => count >= records,
    { what: 'the bare consumer', withinMs: 120_000 },
  )
  const seconds = (performance.now() - startedAt) / 1_000
  await consumer.disconnect()
  return seconds
}

/** Commands of a slice that is not fenced, not exact after a crash, and not told to anybody. */
type Writes = readonly (readonly [string, ...string[]])[]

interface BareEvent {
  readonly workspace: string
  readonly id: string
}

const hasher = dedupeHasher('key of a benchmark')

/** What counting comes to at the very least: ids into their sets, units onto their counters, slice by slice. */
export function bareWrites({
  events,
  workspaces,
}: {
  events: number
  workspaces: number
}): readonly Writes[] {
  const all = Array.from({ length: events }, (_, index): BareEvent => {
    return { workspace: `bare-${index % workspaces}`, id: `e${index}` }
  })
  const byShard = Map.groupBy(all, ({ workspace }) => shardOf(workspace, SHARDS_DEFAULT))
  return allShardKeys(SHARDS_DEFAULT).flatMap((keys) => {
    const own = byShard.get(keys.shard) ?? []
    const starts = Array.from({ length: Math.ceil(own.length / SLICE_MAX) }, (_, index) => index * SLICE_MAX)
    return starts.map((from) => writesOf(keys, own.slice(from, from + SLICE_MAX)))
  })
}

function writesOf(keys: ShardKeys, slice: readonly BareEvent[]): Writes {
  const day = dayOf(Date.now())
  const hashed = slice.map(({ workspace, id }) => hasher({ workspace, source: 'bench', id }))
  const ids = Map.groupBy(hashed, ({ subShard }) => subShard)
  const units = Map.groupBy(slice, ({ workspace }) => workspace)
  const adding = Array.from(ids, ([subShard, own]): [string, ...string[]] => {
    return ['SADD', keys.dedupe(day, subShard), ...own.map(({ member }) => member)]
  })
  const counting = Array.from(units, ([workspace, own]): [string, ...string[]] => {
    return ['HINCRBY', keys.usage(workspace), 'leads', String(own.length)]
  })
  return [...adding, ...counting]
}

/** Events a second that Redis takes as bare writes, two slices at once. */
export async function writeBare(redis: Redis, slices: readonly Writes[], events: number): Promise<number> {
  await redis.flushall()
  const startedAt = performance.now()
  let next = 0
  const lane = async (): Promise<void> => {
    for (let slice = slices[next]; slice !== undefined; slice = slices[next]) {
      next += 1
      const pipeline = redis.pipeline()
      for (const [name, ...args] of slice) pipeline.call(name, ...args)
      await pipeline.exec()
    }
  }
  await Promise.all([lane(), lane()])
  return events / ((performance.now() - startedAt) / 1_000)
}
