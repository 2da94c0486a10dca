import '#drivers/allocate-young.ts'
import { randomUUID } from 'node:crypto'
import { unhurried } from '#core/operations/read-workspace.ts'
import { PRODUCE_AGAIN_MS } from '#core/usage/hold.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { systemClock } from '#drivers/clock.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { endOnFailure } from '#drivers/fatal.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { deadLetterSink, REASON_MAX } from '#drivers/kafka/dead-letter.ts'
import { decodeMessage } from '#drivers/kafka/decode-message.ts'
import { learnSchemas } from '#drivers/kafka/learn-schemas.ts'
import { letterDecoder } from '#drivers/kafka/letters.ts'
import { measureKafka } from '#drivers/kafka/measure-kafka.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { GatheringProducer } from '#drivers/kafka/producer.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { UsageReader } from '#drivers/kafka/usage-reader.ts'
import { createLogger } from '#drivers/log.ts'
import { lowerPriority } from '#drivers/lower-priority.ts'
import { consumerMetrics, createMetrics, sweeperMetrics } from '#drivers/metrics.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { DriftLog } from '#drivers/mongo/drift-log.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { ensureInstall, installWishFor } from '#drivers/mongo/install.ts'
import { judgementLog } from '#drivers/mongo/judgement-log.ts'
import { NoticeLog } from '#drivers/mongo/notice-log.ts'
import { requireSameSchemas } from '#drivers/mongo/schema-log.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { UsageDays } from '#drivers/mongo/usage-days.ts'
import { WorkspaceList } from '#drivers/mongo/workspace-list.ts'
import { reachKafka, reachMongo, reachRedis, reachRegistry } from '#drivers/reach.ts'
import { redisProblem } from '#drivers/redis/connect.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { measureShards } from '#drivers/redis/measure-shards.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { readShardStates } from '#drivers/redis/shard-states.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { RulesHistory } from '#drivers/rules-history.ts'
import { secretsOf } from '#drivers/secrets.ts'
import { serveHealth } from '#drivers/serve-health.ts'
import { shutdownOnSignals } from '#drivers/shutdown.ts'
import { openTraces } from '#drivers/traces.ts'
import { Decoder } from '#schemas/decoder.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { topicRecords } from '#schemas/records.ts'
import { startCatalogueTimer } from './catalogue-timer.ts'
import { consumersConfig } from './config.ts'
import { startJudge } from './judge/judge-loop.ts'
import { settleNotices } from './judge/settle-notices.ts'
import { startLetterConsumer } from './letters/letter-consumer.ts'
import { openLetterLog } from './letters/open-letter-log.ts'
import { Liveness, watchKafka } from './liveness.ts'
import { startSnapshots } from './snapshots/snapshot-timer.ts'
import { startSubscriptionConsumer } from './subscription/subscription-consumer.ts'
import type { RefusedVersion } from './subscription/subscription-session.ts'
import { windowStarter } from './subscription/window-starter.ts'
import { startSweeping } from './sweeper/sweep-timer.ts'
import { LagTeller } from './usage/lag-teller.ts'
import { observeApply } from './usage/observe-apply.ts'
import { startUsageConsumer } from './usage/usage-consumer.ts'

const secrets = secretsOf(process.env)
endOnFailure(createLogger('consumers', 'info', secrets))
const config = consumersConfig(process.env)
if (process.argv.includes('--validate')) process.exit(0)
lowerPriority(config.CONSUMERS_NICE)
const log = createLogger('consumers', config.LOG_LEVEL, secrets)
const shutdown = shutdownOnSignals(log)
const traces = await openTraces(config, { service: 'tallygate-consumers', log })
if (traces !== null) shutdown.add('traces', () => traces.stop())
const name = `${config.CONSUMERS_NAME}-${randomUUID().slice(0, 8)}`
const [now, monotonic] = [systemClock, (): number => performance.now()]
const registry = new SchemaRegistry(config.SCHEMA_REGISTRY_URL)
const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, security: config, clientId: name, log })
const waiting = { log, withinMs: config.START_DEADLINE_MS }
const producer = new GatheringProducer(kafka)
const reaching = reachMongo(config.MONGODB_URL, waiting)
const [mongo, redis, schemaIds, admin] = await Promise.all([
  reaching,
  reachRedis({ url: config.REDIS_URL, commandTimeoutMs: 2_000 }, waiting),
  reaching.then(({ db }) => reachRegistry(waiting, () => requireSameSchemas(db, registry))),
  reachKafka(kafka, waiting).then((reached) => producer.start().then(() => reached)),
])
shutdown.add('MongoDB', mongo.close)
shutdown.add('Redis', () => redis.quit())
shutdown.add('Kafka admin', () => admin.disconnect())
shutdown.add('Kafka producer', () => producer.stop())
const catalogueLog = new CatalogueLog(mongo.db)
const [install, catalogues] = await Promise.all([
  ensureInstall(mongo.db, installWishFor(config.REDIS_URL)),
  MongoCatalogueStore.open(catalogueLog),
])
const source = new FactsSource(mongo.db)
const rules = new RulesHistory({ log: catalogueLog, catalogues, now })
const metrics = createMetrics()
const measured = consumerMetrics(metrics)
const shards = allShardKeys(install.shards)
measureShards(metrics, { states: () => readShardStates(redis, shards), now })
const partitionOf = partitionerOf(partitions['usage.events'])
const counters = redisCounterStore({ redis, shards, partitionOf, hasUnjudged: true })
const facts = new CachedFactStore({ redis, shards, source, fold: (versions) => rules.fold(versions) })
const sink = deadLetterSink({
  producer,
  encode: encoderOf('DeadLetter', schemaIds.DeadLetter),
  now,
  trustAppendTimeHeader: config.TRUST_APPEND_TIME_HEADER,
})
const deadLetterOf =
  (topic: 'usage.events' | 'subscription.events') =>
  async ({ eventId, ...refused }: RefusedVersion, partition: number): Promise<void> => {
    await sink({ ...refused, topic, partition })
    const { code, reason, message } = refused
    measured.deadLetters.inc({ topic, code })
    const named = { topic, partition, offset: message.offset, code, eventId: eventId?.slice(0, REASON_MAX) }
    log.warn(named, reason.slice(0, REASON_MAX))
  }
const decoderOf = (topic: 'usage.events' | 'subscription.events'): Decoder =>
  new Decoder({ records: topicRecords[topic], fetchSchema: (id) => registry.fetchSchema(id), now: monotonic })
const onFatal = (reason: Error): void => {
  log.fatal({ err: reason }, 'a Kafka consumer stopped for good; ending so that another process takes over')
  void shutdown.end('a consumer stopped', 1)
}
const livenessOf = (topic: string): Liveness =>
  new Liveness({ topic, now: monotonic, stalledMaxMs: config.STALLED_MAX_MS })
const liveness = {
  usage: livenessOf('usage.events'),
  subscription: livenessOf('subscription.events'),
  letters: livenessOf('dead.letters'),
}
const [snapshots, incarnations] = [new SnapshotLog(mongo.db), new IncarnationLog(mongo.db)]
const lags = new LagTeller()
const usageDecoder = decoderOf('usage.events')
const startingUsage = startUsageConsumer({
  kafka,
  admin,
  redis,
  log,
  name,
  groupId: 'tallygate-usage',
  topic: 'usage.events',
  shards,
  incarnations,
  snapshots,
  reader: new UsageReader({
    decode: (message) => decodeMessage(usageDecoder, message),
    hasher: dedupeHasher(install.dedupeKey),
    catalogue: async (fresh) => (fresh ? catalogues.refresh() : catalogues.inForce()),
    trustAppendTimeHeader: config.TRUST_APPEND_TIME_HEADER,
  }),
  now,
  prepare: (messages) => learnSchemas(usageDecoder, messages),
  deadLetter: deadLetterOf('usage.events'),
  catalogueRevision: async () => catalogues.remembered().revision,
  onApplied: observeApply({ metrics: measured, lags, drifts: new DriftLog(mongo.db), catalogues, now, log }),
  traces,
  onStarted: () => measured.rebuildsStarted.inc(),
  onRebuilt: (_shard, tookMs) => measured.rebuildSeconds.observe(tookMs / 1_000),
  onProgress: (progress) => {
    liveness.usage.observe(progress)
    measured.lag.reset()
    for (const { partition, position, lag } of progress)
      if (position !== null) measured.lag.set({ partition: String(partition) }, lag)
  },
  onUseMissing: (partition, shards) => measured.useMissing.inc({ partition: String(partition) }, shards),
  onRecreated: (partition, reason) => liveness.usage.recreated(partition, reason),
  onFatal,
  sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
})
const startingSubscriptions = startSubscriptionConsumer({
  kafka,
  admin,
  log,
  groupId: 'tallygate-subscription',
  topic: 'subscription.events',
  decoder: decoderOf('subscription.events'),
  traces,
  source,
  facts,
  rules,
  trustAppendTimeHeader: config.TRUST_APPEND_TIME_HEADER,
  startWindow: windowStarter({
    producer,
    encode: encoderOf('WindowStartedEvent', schemaIds.WindowStartedEvent),
    catalogue: () => catalogues.remembered(),
  }),
  deadLetter: deadLetterOf('subscription.events'),
  metrics: measured,
  onFatal,
  onProgress: (progress) => liveness.subscription.observe(progress),
  sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
})
const startingLetters = startLetterConsumer({
  kafka,
  admin,
  log,
  decoder: letterDecoder(registry, monotonic),
  letters: await openLetterLog(mongo.db, log),
  onFatal,
  onProgress: (progress) => liveness.letters.observe(progress),
  sessionTimeoutMs: config.SESSION_TIMEOUT_MS,
})
const [usage, subscriptions, lettering] = await Promise.all([
  startingUsage,
  startingSubscriptions,
  startingLetters,
])
shutdown.add('letter consumer', lettering.stop)
shutdown.add('usage consumer', usage.stop)
shutdown.add('lag', lags.start({ redis, now, log }).stop)
shutdown.add('subscription consumer', subscriptions.stop)

const judge = startJudge({
  deps: {
    counters,
    facts,
    catalogue: catalogues,
    now,
    inTime: unhurried,
    judgements: judgementLog(source),
    notices: settleNotices({
      producer,
      encode: encoderOf('NoticeEvent', schemaIds.NoticeEvent),
      log: new NoticeLog(mongo.db),
      now,
      onPublished: ({ type }) => measured.notices.inc({ type }),
    }),
  },
  redis,
  shards,
  workspaces: new WorkspaceList(mongo.db),
  log,
  name,
  backlog: () => liveness.usage.backlog(),
})
shutdown.add('judge', judge.stop)
const snapshotting = startSnapshots({
  redis,
  snapshots,
  incarnations,
  days: new UsageDays(mongo.db),
  shards,
  log,
  name,
  everyMs: config.SNAPSHOT_EVERY_MS,
  catalogues,
  nonce: () => randomUUID().slice(0, 8),
  ranges: () => readRanges(admin, 'usage.events'),
  onRound: (_shard, outcome) => measured.snapshots.inc({ outcome }),
})
shutdown.add('snapshots', snapshotting.stop)

const meterEvent = encoderOf('MeterEvent', schemaIds.MeterEvent)
const sweeping = startSweeping({
  redis,
  shards,
  log,
  name,
  againMs: PRODUCE_AGAIN_MS,
  metrics: sweeperMetrics(metrics),
  sink: {
    produce: async (events) => {
      const records = events.map((event) => ({ key: event.workspace, value: meterEvent(event) }))
      await Promise.all(records.map((record) => producer.send({ topic: 'usage.events', ...record })))
    },
  },
})
shutdown.add('sweeper', sweeping.stop)
shutdown.add('catalogue', startCatalogueTimer({ catalogues, redis, shards, log, drifts: measured.drifts }))

const watch = watchKafka({
  idleMs: () => Math.max(usage.idleMs(), subscriptions.idleMs(), lettering.idleMs()),
  topics: Object.values(liveness),
  stalledMaxMs: config.STALLED_MAX_MS,
})
setInterval(() => {
  const problem = watch.fatal()
  if (problem !== null) onFatal(new Error(problem))
}, 1_000).unref()
measureKafka(metrics, {
  subscriptionLag: () => subscriptions.lag(),
  silenceMs: () => ({ usage: usage.idleMs(), subscription: subscriptions.idleMs() }),
})
const health = await serveHealth({
  host: config.CONSUMERS_HOST,
  port: config.CONSUMERS_PORT,
  setting: 'CONSUMERS_PORT',
  metrics,
  checks: {
    kafka: async () => watch.unready(),
    redis: () => redisProblem(redis),
    mongo: async () => mongo.ping().then(() => null),
    registry: async () => registry.ping().then(() => null),
  },
})
shutdown.add('health', () => health.close())
log.info({ name, catalogueRevision: catalogues.remembered().revision }, 'consumers are running')
