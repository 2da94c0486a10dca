import { randomUUID } from 'node:crypto'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel } from 'kafkajs'
import { registerCodecs } from '#drivers/kafka/codecs.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'

interface Addresses {
  readonly kafka: string
  readonly registry: string
}

/** What the log says of one workspace, and what Redis says. */
export interface Mismatch {
  readonly workspace: string
  readonly counter: string
  readonly log: number
  readonly counted: number
}

/**
 * Reads `usage.events` from offset 0 and compares leads and AI credits by day of every workspace with a prefix, whether
 * products reported them or we did.
 *
 * Shares no code with the consumers beyond the names of keys: records are decoded by the registry's own client and
 * summed over distinct ids.
 */
export async function checkCounters(
  { kafka: brokers, registry }: Addresses,
  redis: Redis,
  prefix: string,
  shards = allShardKeys(SHARDS_DEFAULT),
): Promise<{
  readonly records: number
  readonly ids: number
  /** `<workspace> <source> <id>` of every event that counts something. */
  readonly identities: ReadonlySet<string>
  readonly mismatches: readonly Mismatch[]
}> {
  const truth = new Map<string, Map<string, number>>()
  const ids = new Set<string>()
  const decoder = new SchemaRegistry({ host: registry })
  const records = await readAll(brokers, async (value) => {
    if (value === null || value[0] !== 0) return
    const event = await decoder.decode(value).catch(() => null)
    if (event === null || !event.workspace.startsWith(prefix) || event.startsAt !== undefined) return
    const identity = `${event.workspace} ${event.source} ${event.id}`
    if (ids.has(identity)) return
    ids.add(identity)
    const day = new Date(Number(event.occurredAt)).toISOString().slice(0, 10).replaceAll('-', '')
    const sign = event.leadId === undefined || event.action === 'created' ? 1 : -1
    const meter = event.meter ?? (event.leadId === undefined ? 'ai_credits' : 'leads')
    const counter = meter === 'ai_credits' ? `${meter}:${day}` : meter
    const units = sign * Number(event.credits ?? event.quantity)
    const own = truth.get(event.workspace) ?? new Map<string, number>()
    truth.set(event.workspace, own.set(counter, (own.get(counter) ?? 0) + units))
  })
  const mismatches: Mismatch[] = []
  for (const [workspace, own] of truth) {
    const keys = shards[shardOf(workspace, shards.length)]
    const fields = await redis.hgetall(keys?.usage(workspace) ?? '')
    for (const [counter, log] of own) {
      const counted = Number(fields[counter] ?? 0)
      if (counted !== log) mismatches.push({ workspace, counter, log, counted })
    }
  }
  return { records, ids: ids.size, identities: ids, mismatches }
}

async function readAll(brokers: string, onValue: (value: Buffer | null) => Promise<void>): Promise<number> {
  registerCodecs()
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets('usage.events')
  await admin.disconnect()
  const open = new Map(
    ends.filter(({ high }) => high !== '0').map(({ partition, high }) => [partition, Number(high)]),
  )
  const consumer = kafka.consumer({ groupId: `checker-${randomUUID()}`, maxWaitTimeInMs: 100 })
  let records = 0
  const done = Promise.withResolvers<void>()
  await consumer.connect()
  await consumer.subscribe({ topic: 'usage.events', fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) await onValue(value)
      records += batch.messages.length
      if (Number(batch.lastOffset()) + 1 >= (open.get(batch.partition) ?? 0)) open.delete(batch.partition)
      if (open.size === 0) done.resolve()
    },
  })
  if (open.size === 0) done.resolve()
  await done.promise
  await consumer.disconnect()
  return records
}
