import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { changeCatalogue } from '#core/operations/change-catalogue.ts'
import { changeOverride } from '#core/operations/change-override.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { systemClock } from '#drivers/clock.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { historyStore } from '#drivers/history-store.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { apiMetrics, createMetrics } from '#drivers/metrics.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { readCatalogueUse } from '#drivers/mongo/catalogue-use.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { DecisionLog } from '#drivers/mongo/decision-log.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { ensureInstall, installWish } from '#drivers/mongo/install.ts'
import { KeyStore } from '#drivers/mongo/key-store.ts'
import { NoticeLog } from '#drivers/mongo/notice-log.ts'
import { UsageDays } from '#drivers/mongo/usage-days.ts'
import { WorkspaceList } from '#drivers/mongo/workspace-list.ts'
import { connectRedis, requireSafeRedis } from '#drivers/redis/connect.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { raiseCatalogue } from '#drivers/redis/shard-scripts.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { shutdownOnSignals } from '#drivers/shutdown.ts'
import { createApp } from './app.ts'
import { apiConfig } from './config.ts'
import type { ApiContext } from './context.ts'
import { DecisionRecorder } from './decision-recorder.ts'
import { rememberVerdicts } from './last-known.ts'
import { readinessOf } from './routes/health.ts'

const config = apiConfig(process.env)
if (process.argv.includes('--validate')) process.exit(0)
const log = createLogger('api', config.LOG_LEVEL)
const shutdown = shutdownOnSignals(log)

const mongo = await connectMongo(config.MONGODB_URL)
shutdown.add('MongoDB', mongo.close)
const install = await ensureInstall(mongo.db, installWish)
const catalogueLog = new CatalogueLog(mongo.db)
const catalogue = await MongoCatalogueStore.open(catalogueLog)
const redis = await connectRedis({ url: config.REDIS_URL, commandTimeoutMs: 500 })
shutdown.add('Redis', () => redis.quit())
await requireSafeRedis(redis)

const shards = allShardKeys(install.shards)
const source = new FactsSource(mongo.db)
const keys = new KeyStore(mongo.db, config.TALLYGATE_KEY_PEPPER)
const metrics = createMetrics()
const notices = new NoticeLog(mongo.db)
const workspaces = new WorkspaceList(mongo.db)
const measured = apiMetrics(metrics)
const decisions = new DecisionLog(mongo.db)
await decisions.expireOld().catch((error: unknown) => {
  log.warn({ err: error }, 'MongoDB will not take old decision counts away by itself')
})
const recorder = new DecisionRecorder({
  store: decisions,
  name: randomUUID().slice(0, 8),
  now: systemClock,
  log,
  onDropped: (dropped) => measured.decisionsDropped.inc(dropped),
})
recorder.start()
shutdown.add('decision log', () => recorder.stop())
const usage = new UsageWriter({
  kafka: connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'tallygate-api', log }),
  registry: new SchemaRegistry(config.SCHEMA_REGISTRY_URL),
  log,
})
await usage.start()
shutdown.add('usage writer', () => usage.stop())
const partitionOf = partitionerOf(install.usagePartitions)
const facts = new CachedFactStore({
  redis,
  shards,
  source,
  fold: async (versions) => foldVersions(versions, catalogue.remembered()).state.subscription,
})
const context: ApiContext = {
  holds: redisHoldStore({
    redis,
    shards,
    partitionOf,
    hasher: dedupeHasher(install.dedupeKey),
    clock: systemClock,
  }),
  usage,
  check: {
    counters: redisCounterStore({ redis, shards, partitionOf }),
    facts,
    catalogue,
    now: systemClock,
    lastKnown: rememberVerdicts(),
  },
  history: historyStore({ source, catalogues: catalogueLog }),
  archive: new UsageDays(mongo.db),
  authenticate: (token) => keys.authenticate(token, systemClock()),
  versions: (workspace) => source.versions(workspace),
  overrides: (workspace) => source.overrides(workspace),
  changeOverride: (wish) => changeOverride({ store: source, catalogue, facts, now: systemClock }, wish),
  catalogueSource: async () => {
    await catalogue
      .refresh()
      .catch((error: unknown) => log.warn({ err: error }, 'the newest catalogue is not known'))
    return catalogue.source
  },
  changeCatalogue: async (wish) => {
    const deps = { inUse: () => readCatalogueUse(workspaces, source), now: systemClock }
    const next = await changeCatalogue(
      { ...deps, newest: () => catalogueLog.newest(), append: (stored) => catalogueLog.append(stored) },
      wish,
    )
    if (!wish.isDryRun) await nameRevision(next.revision)
    return next
  },
  catalogueRevisions: () => catalogueLog.revisions(),
  notices: (workspace, place) => notices.page(workspace, place),
  workspacesAfter: (workspace, limit) => workspaces.after(workspace, limit),
  noteDecision: (decision) => recorder.note(decision),
  decisionPage: (workspace, query) => decisions.page(workspace, query),
  metrics: measured,
  health: {
    redis: async () => ((await redis.ping()) === 'PONG' ? null : 'no answer'),
    mongo: async () => mongo.ping().then(() => null),
    kafka: async () => usage.problem,
  },
}

/** Checks everywhere see it with their next read; the consumers do it again, should we die before. */
async function nameRevision(revision: number): Promise<void> {
  await catalogue.refresh()
  await Promise.all(shards.map((keys) => raiseCatalogue(redis, { keys, revision }))).catch(
    (error: unknown) => {
      log.warn({ err: error, revision }, 'the new catalogue was stored; checks see it within 5 s')
    },
  )
}

const app = await createApp(context, log)
await app.listen({ host: config.API_HOST, port: config.API_PORT })
shutdown.add('API', () => app.close())

const admin = Fastify()
admin.get('/metrics', async (_request, reply) =>
  reply.type(metrics.contentType).send(await metrics.metrics()),
)
admin.get('/readyz', async (_request, reply) => {
  const { isReady, parts } = await readinessOf(context.health)
  return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'up' : 'down', parts })
})
await admin.listen({ host: config.API_HOST, port: config.ADMIN_PORT })
shutdown.add('admin', () => admin.close())
log.info({ port: config.API_PORT, adminPort: config.ADMIN_PORT }, 'the API answers')
