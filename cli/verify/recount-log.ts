import { distinctMeters } from '#core/catalogue/meter.ts'
import { dayOf } from '#core/instant.ts'
import { type Difference, Recount } from '#core/usage/recount.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { decodeMessage } from '#drivers/kafka/decode-message.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { type LogRange, readRanges, scanTopic } from '#drivers/kafka/scan-topic.ts'
import { UsageReader } from '#drivers/kafka/usage-reader.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { ensureInstall, type Install, installWish } from '#drivers/mongo/install.ts'
import { requireKnownSchemas } from '#drivers/mongo/schema-log.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { UsageDays } from '#drivers/mongo/usage-days.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { Decoder } from '#schemas/decoder.ts'
import { topicRecords } from '#schemas/records.ts'
import type { Engines } from '../engines.ts'
import { startProgress } from '../progress.ts'
import { readCounters, type ShardCounters } from './read-counters.ts'
import { readStarts, type Starts } from './read-snapshots.ts'

const TOPIC = 'usage.events'

/** What a recount found. */
export interface Recounted {
  readonly workspaces: number
  readonly records: number
  readonly differences: readonly Difference[]
  /** Copies of events more than 72 h after the one before, by workspace: each may have counted again, as is said of them. */
  readonly lateCopies: Readonly<Record<string, number>>
  /** Shards that were being rebuilt: nothing was compared in them. */
  readonly rebuilding: readonly number[]
  /** Partitions whose log begins after where counting can start: what is missing cannot be told. */
  readonly cut: readonly number[]
}

/** What to recount. */
export interface RecountInput {
  readonly registry: string
  /** One workspace, or all of them. */
  readonly workspace: string | null
  /** As the consumers are set: `TRUST_APPEND_TIME_HEADER`. */
  readonly trustAppendTimeHeader: boolean
}

interface Under {
  readonly counted: ReadonlyMap<number, ShardCounters>
  readonly starts: ReadonlyMap<number, Starts>
}

/** Counts anew from the log (and from snapshots, where the log is shorter) and compares, while all is running. */
export async function recountLog(engines: Engines, input: RecountInput): Promise<Recounted> {
  const registry = new SchemaRegistry(input.registry)
  await requireKnownSchemas(engines.mongo.db, registry)
  const install = await ensureInstall(engines.mongo.db, installWish)
  const catalogues = await MongoCatalogueStore.open(new CatalogueLog(engines.mongo.db))
  const meters = distinctMeters(catalogues.remembered())
  const partitionOf = partitionerOf(install.usagePartitions)
  const own = input.workspace === null ? null : partitionOf(input.workspace)
  const readOwn = async (): Promise<readonly LogRange[]> =>
    (await readRanges(engines.admin, TOPIC)).filter(({ partition }) => own === null || partition === own)
  const isCut = (await readOwn()).some(({ low }) => low > 0)
  const shards = allShardKeys(install.shards).filter(
    ({ shard }) => input.workspace === null || shard === shardOf(input.workspace, install.shards),
  )
  const archive = new UsageDays(engines.mongo.db)
  const snapshots = new SnapshotLog(engines.mongo.db)
  const isRebased = (await new AuditLog(engines.mongo.db).rebases()).length > 0
  const counted = new Map<number, ShardCounters>()
  const starts = new Map<number, Starts>()
  for (const keys of shards) {
    if (isRebased || isCut)
      starts.set(keys.shard, await readStarts({ snapshots, archive, partitionOf }, keys.shard))
    const deps = { redis: engines.redis, archive, partitionOf, distinctMeters: meters }
    const counters = await readCounters(deps, keys, input.workspace)
    if (counters !== null) counted.set(keys.shard, counters)
  }
  // Only now: whatever the counters hold lies below these ends.
  const ranges = await readOwn()
  const recount = recountOf({ counted, starts }, { shards: install.shards, meters })
  const read = readerOf({ input, registry, install, catalogues })
  await readLog(engines, { ranges, read, recount, isWanted: wantedOf(input, install, counted) })
  const names = [...counted.values()].flatMap(({ counters }) => [...counters.keys()])
  return {
    workspaces: names.length,
    records: sizeOf(ranges),
    differences: recount.differences(names),
    lateCopies: Object.fromEntries(recount.lateCopies),
    rebuilding: shards.flatMap(({ shard }) => (counted.has(shard) ? [] : [shard])),
    cut: cutPartitions(ranges, [...starts.values()]),
  }
}

function recountOf(
  { counted, starts }: Under,
  { shards, meters }: { readonly shards: number; readonly meters: readonly string[] },
): Recount {
  return new Recount({
    counted: (workspace) => counted.get(shardOf(workspace, shards))?.counters.get(workspace) ?? null,
    start: (workspace) => starts.get(shardOf(workspace, shards))?.of(workspace) ?? null,
    reached: (workspace, partition) => counted.get(shardOf(workspace, shards))?.reached[partition] ?? -1,
    distinctMeters: meters,
  })
}

function wantedOf(
  { workspace }: RecountInput,
  { shards }: Install,
  counted: ReadonlyMap<number, ShardCounters>,
): (name: string) => boolean {
  return (name) => (workspace === null || name === workspace) && counted.has(shardOf(name, shards))
}

type ReadRecords = (
  messages: Parameters<UsageReader['read']>[0],
) => Promise<Awaited<ReturnType<UsageReader['read']>>['events']>

interface ReaderInput {
  readonly input: RecountInput
  readonly registry: SchemaRegistry
  readonly install: Install
  readonly catalogues: MongoCatalogueStore
}

/** Reads records as the consumers read them; what they refuse counts nowhere. */
function readerOf({ input, registry, install, catalogues }: ReaderInput): ReadRecords {
  const decoder = new Decoder({
    records: topicRecords[TOPIC],
    fetchSchema: (id) => registry.fetchSchema(id),
    now: () => performance.now(),
  })
  const reader = new UsageReader({
    decode: (message) => decodeMessage(decoder, message),
    hasher: dedupeHasher(install.dedupeKey),
    catalogue: async (fresh) => (fresh ? catalogues.refresh() : catalogues.remembered()),
    trustAppendTimeHeader: input.trustAppendTimeHeader,
  })
  return async (messages) => {
    await decoder.prepare(messages.map(({ value }) => value))
    return (await reader.read(messages)).events
  }
}

interface LogInput {
  readonly ranges: readonly LogRange[]
  readonly read: ReadRecords
  readonly recount: Recount
  readonly isWanted: (workspace: string) => boolean
}

async function readLog({ kafka }: Engines, { ranges, read, recount, isWanted }: LogInput): Promise<void> {
  const progress = startProgress('records', sizeOf(ranges))
  const onRecords: Parameters<typeof scanTopic>[0]['onRecords'] = async (partition, messages) => {
    for (const event of await read(messages)) {
      const identity = `${dayOf(event.occurredAt)} ${event.dedupe.member}`
      if (isWanted(event.workspace)) recount.add(partition, { ...event, identity })
    }
    progress.add(messages.length)
  }
  await scanTopic({ kafka, topic: TOPIC, ranges, onRecords }).finally(() => progress.stop())
}

function sizeOf(ranges: readonly LogRange[]): number {
  return ranges.reduce((sum, { low, high }) => sum + high - low, 0)
}

function cutPartitions(ranges: readonly LogRange[], starts: readonly Starts[]): readonly number[] {
  return ranges
    .filter(({ partition, low }) => low > 0 && starts.some(({ base }) => low > base(partition) + 1))
    .map(({ partition }) => partition)
}
