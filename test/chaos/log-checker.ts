import { randomUUID } from 'node:crypto'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { registerCodecs } from '#drivers/kafka/codecs.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys, SHARDS_DEFAULT, type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { listWorkspaces } from '#drivers/redis/list-workspaces.ts'

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
 * Reads `usage.events` from offset 0 and compares every counter of the workspaces with a prefix: leads, their level at the
 * end of each day, and AI credits by day, whether products reported them or we did. A counter or a workspace that Redis
 * has and the log does not know is a mismatch, too.
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
  const truth = new Truth(prefix)
  const decoder = new SchemaRegistry({ host: registry })
  const records = await readAll(brokers, async ({ value, timestamp }) => {
    if (value === null || value[0] !== 0) return
    const event = await decoder.decode(value).catch(() => null)
    if (event !== null) truth.add(event, Number(timestamp))
  })
  const mismatches = await Promise.all(
    shards.map((keys) => compareShard(redis, { keys, shards: shards.length }, truth)),
  )
  return { records, ids: truth.ids.size, identities: truth.ids, mismatches: mismatches.flat() }
}

/** What the log says, by workspace and field of the counters. */
class Truth {
  readonly ids = new Set<string>()
  readonly fields = new Map<string, Map<string, number>>()
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  isOurs(workspace: string): boolean {
    return workspace.startsWith(this.#prefix)
  }

  add(event: Readonly<Record<string, unknown>>, appendedAt: number): void {
    const workspace = String(event['workspace'])
    if (!this.isOurs(workspace) || event['startsAt'] !== undefined) return
    const identity = `${workspace} ${event['source']} ${event['id']}`
    if (this.ids.has(identity)) return
    this.ids.add(identity)
    const isLead = event['leadId'] !== undefined
    const sign = !isLead || event['action'] === 'created' ? 1 : -1
    const meter = String(event['meter'] ?? (isLead ? 'leads' : 'ai_credits'))
    const counter = meter === 'ai_credits' ? `${meter}:${dayOf(Number(event['occurredAt']))}` : meter
    const own = this.fields.get(workspace) ?? new Map<string, number>()
    const total = (own.get(counter) ?? 0) + sign * Number(event['credits'] ?? event['quantity'])
    own.set(counter, total)
    if (meter !== 'ai_credits') own.set(`${meter}:${dayOf(appendedAt)}:l`, total)
    this.fields.set(workspace, own)
  }
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10).replaceAll('-', '')
}

/** No figures of use: the revision of facts, what is held, where a window begins within a day. */
const OTHER_FIELD = /^(rev|h:.*|.*:b)$/

/** Compares every counter that the log or Redis has of our workspaces, also those that only Redis has. */
async function compareShard(
  redis: Redis,
  { keys, shards }: { readonly keys: ShardKeys; readonly shards: number },
  truth: Truth,
): Promise<readonly Mismatch[]> {
  const own = [...truth.fields.keys()].filter((workspace) => shardOf(workspace, shards) === keys.shard)
  const counted = (await listWorkspaces(redis, keys)).filter((workspace) => truth.isOurs(workspace))
  const mismatches = [...new Set([...own, ...counted])].map(async (workspace) => {
    const fields = await redis.hgetall(keys.usage(workspace))
    const wanted = truth.fields.get(workspace) ?? new Map<string, number>()
    const names = [...new Set([...wanted.keys(), ...Object.keys(fields)])].filter(
      (name) => !OTHER_FIELD.test(name),
    )
    return names.flatMap((counter) => {
      const [log, seen] = [wanted.get(counter) ?? 0, Number(fields[counter] ?? 0)]
      return log === seen ? [] : [{ workspace, counter, log, counted: seen }]
    })
  })
  return (await Promise.all(mismatches)).flat()
}

async function readAll(brokers: string, onRecord: (record: KafkaMessage) => Promise<void>): Promise<number> {
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
      for (const message of batch.messages) await onRecord(message)
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
