import '#drivers/allocate-young.ts'
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { TallygateError } from '#core/errors.ts'
import { type CatalogueDeps, changeCatalogue, proposeCatalogue } from '#core/operations/change-catalogue.ts'
import { changeOverride } from '#core/operations/change-override.ts'
import type { CheckDeps } from '#core/operations/check.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { systemClock } from '#drivers/clock.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { endOnFailure } from '#drivers/fatal.ts'
import { historyStore } from '#drivers/history-store.ts'
import { inTime } from '#drivers/in-time.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { LogEnds } from '#drivers/kafka/log-ends.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import { letterOverview } from '#drivers/letter-overview.ts'
import { listenOn } from '#drivers/listen.ts'
import { createLogger } from '#drivers/log.ts'
import { watchLoop } from '#drivers/loop-delay.ts'
import { apiMetrics, createMetrics } from '#drivers/metrics.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { readCatalogueUse } from '#drivers/mongo/catalogue-use.ts'
import { DecisionLog } from '#drivers/mongo/decision-log.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { ensureInstall, installWishFor } from '#drivers/mongo/install.ts'
import { KeyStore } from '#drivers/mongo/key-store.ts'
import { LetterLog } from '#drivers/mongo/letter-log.ts'
import { NoticeLog } from '#drivers/mongo/notice-log.ts'
import { RedriveLog } from '#drivers/mongo/redrive-log.ts'
import { requireSameSchemas } from '#drivers/mongo/schema-log.ts'
import { UsageDays } from '#drivers/mongo/usage-days.ts'
import { WorkspaceList } from '#drivers/mongo/workspace-list.ts'
import { reachMongo, reachRedis } from '#drivers/reach.ts'
import { isClusterUrl } from '#drivers/redis/address.ts'
import { redisProblem } from '#drivers/redis/connect.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { readEnforcementLags } from '#drivers/redis/enforcement-lags.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { NearLimits } from '#drivers/redis/near-limits.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { raiseCatalogue } from '#drivers/redis/shard-scripts.ts'
import { readShardStates } from '#drivers/redis/shard-states.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { RulesHistory } from '#drivers/rules-history.ts'
import { secretsOf } from '#drivers/secrets.ts'
import { serveHealth } from '#drivers/serve-health.ts'
import { shutdownOnSignals } from '#drivers/shutdown.ts'
import { TallyLog } from '#drivers/tally-log.ts'
import { openTraces } from '#drivers/traces.ts'
import { usageFieldsOf } from '#schemas/records.ts'
import { createApp } from './app.ts'
import { guardCounters, guardHolds, guardWriter, openCircuits } from './circuits.ts'
import { apiConfig, redisOf } from './config.ts'
import type { ApiContext } from './context.ts'
import { DecisionRecorder } from './decision-recorder.ts'
import { rememberVerdicts } from './last-known.ts'
import { nameRevision } from './name-revision.ts'
import { forgetting, openNear } from './near.ts'
import { shedCounter } from './plugins/shedding.ts'

/** How long a page of a list, or the record of a change, is waited for, ms. */
const PAGE_WITHIN_MS = 3_000

const secrets = secretsOf(process.env)
endOnFailure(createLogger('api', 'info', secrets))
const config = apiConfig(process.env)
if (process.argv.includes('--validate')) process.exit(0)
const log = createLogger('api', config.LOG_LEVEL, secrets)
const shutdown = shutdownOnSignals(log)
const traces = await openTraces(config, { service: 'tallygate-api', log })
if (traces !== null) shutdown.add('traces', () => traces.stop())

const { KAFKA_BROKERS: brokers } = config
const kafka = connectKafka({ brokers, security: config, clientId: 'tallygate-api', log })
const usage = new UsageWriter({
  kafka,
  log,
  ...(traces === null ? {} : { traceHeaders: () => traces.recordHeaders() }),
})
const waiting = { log, withinMs: config.START_DEADLINE_MS }
const reaching = reachMongo(config.MONGODB_URL, waiting)
const registry = new SchemaRegistry(config.SCHEMA_REGISTRY_URL)
const startingUsage = usage.start(async () => requireSameSchemas((await reaching).db, registry))
const [mongo, redis] = await Promise.all([reaching, reachRedis(redisOf(config), waiting)])
shutdown.add('MongoDB', mongo.close)
shutdown.add('Redis', () => redis.quit())
const install = await ensureInstall(mongo.db, installWishFor(config.REDIS_URL))

const shards = allShardKeys(install.shards)
const metrics = createMetrics()
const notices = new NoticeLog(mongo.db)
const archive = new UsageDays(mongo.db)
const workspaces = new WorkspaceList(mongo.db)
const measured = apiMetrics(metrics)
const circuits = openCircuits({
  metrics: measured,
  log,
  redisParts: isClusterUrl(config.REDIS_URL) ? install.shards : 1,
  readsWithinMs: config.CHECK_BUDGET_MS,
  holdsWithinMs: config.HOLD_BUDGET_MS,
})
const fromMongo = <Value>(work: () => Promise<Value>): Promise<Value> => circuits.mongo.call(work)
/** Lists and changes, which may take longer. */
const pageFromMongo = <Value>(work: () => Promise<Value>): Promise<Value> =>
  circuits.mongo.call(work, PAGE_WITHIN_MS)
const turnedAway = new TallyLog(log, 'requests were turned away')
shutdown.add('tally of requests', async () => turnedAway.flush())
const onShed = shedCounter(measured.shed, turnedAway)
const source = new FactsSource(mongo.db)
const audit = new AuditLog(mongo.db)
const letters = new LetterLog(mongo.db)
const redrives = new RedriveLog(mongo.db)
const limits = new NearLimits(redis)
const keys = new KeyStore(mongo.db, config.TALLYGATE_KEY_PEPPER, {
  guard: fromMongo,
  withinMs: config.CHECK_BUDGET_MS,
  onGuessing: () => onShed('unknown_key'),
})
const catalogueLog = new CatalogueLog(mongo.db)
const revisions = {
  newest: () => fromMongo(() => catalogueLog.newest()),
  after: (revision: number) => fromMongo(() => catalogueLog.after(revision)),
}
const decisions = new DecisionLog(mongo.db)
const [catalogue] = await Promise.all([MongoCatalogueStore.open(revisions), decisions.expireOld(systemClock)])
shutdown.add('catalogue', catalogue.keepFresh(log))
const rules = new RulesHistory({ log: revisions, catalogues: catalogue, now: systemClock })
const recorder = new DecisionRecorder({
  store: decisions,
  name: randomUUID().slice(0, 8),
  now: systemClock,
  log,
  onDropped: (dropped) => measured.decisionsDropped.inc(dropped),
})
recorder.start()
shutdown.add('decision log', () => recorder.stop())
shutdown.add('usage writer', () => usage.stop())
const ends = new LogEnds(kafka, 'usage.events')
shutdown.add('log ends', () => ends.close())
const partitionOf = partitionerOf(install.usagePartitions)
const facts = new CachedFactStore({
  redis,
  shards,
  source: { read: (workspace) => fromMongo(() => source.read(workspace)) },
  fold: (versions) => rules.fold(versions),
})
const history = historyStore({ source, catalogues: catalogueLog, rules })
const holds = redisHoldStore({
  redis,
  shards,
  partitionOf,
  hasher: dedupeHasher(install.dedupeKey),
  clock: systemClock,
})
const late = (): Error =>
  new TallygateError('unavailable', `no figures within ${config.CHECK_BUDGET_MS} ms; try again`)
const unfounded = new TallyLog(log, 'decisions were made without figures, by onUnavailable')
shutdown.add('tally of decisions', async () => unfounded.flush())
const draining = { isUnderWay: false }
const direct = redisCounterStore({ redis, shards, partitionOf })
const near = openNear({
  ...redisOf(config),
  ageMaxMs: config.CHECK_CACHE_MS,
  log,
  direct,
  shards,
  partitions: install.usagePartitions,
  partitionOf,
  circuitOf: circuits.reads,
})
shutdown.add('near counters', () => near.close())
const check: CheckDeps = {
  counters: guardCounters(direct, circuits.reads),
  inTime: (work) => inTime(work, { withinMs: config.CHECK_BUDGET_MS, late }),
  facts,
  catalogue,
  now: systemClock,
  lastKnown: rememberVerdicts(),
}
const overrides = {
  overrides: (workspace: string) => pageFromMongo(() => source.overrides(workspace)),
  appendOverride: (...change: Parameters<FactsSource['appendOverride']>) =>
    pageFromMongo(() => source.appendOverride(...change)),
}
const revisionDeps: CatalogueDeps = {
  newest: () => pageFromMongo(() => catalogueLog.newest()),
  append: (stored) => pageFromMongo(() => catalogueLog.append(stored)),
  inUse: () => readCatalogueUse(workspaces, source),
  now: systemClock,
  fieldsOf: usageFieldsOf,
}
const naming = {
  refresh: () => catalogue.refresh(),
  raise: (revision: number) => Promise.all(shards.map((keys) => raiseCatalogue(redis, { keys, revision }))),
  forgetAll: near.forgetAll,
}
const context: ApiContext = {
  holds: forgetting(guardHolds(holds, circuits.holds), near.forget),
  usage: guardWriter(usage, circuits.kafka),
  check,
  nearCheck: near.checks(check),
  history: {
    catalogueAt: (at) => pageFromMongo(() => history.catalogueAt(at)),
    historyOf: (workspace, at) => pageFromMongo(() => history.historyOf(workspace, at)),
  },
  archive: { page: (name) => pageFromMongo(() => archive.page(name)) },
  authenticate: (token) => keys.known(token, systemClock()) ?? keys.authenticate(token, systemClock()),
  versions: (workspace) => pageFromMongo(() => source.versions(workspace)),
  rulesJudging: (stored) => rules.judging(stored),
  overrides: overrides.overrides,
  corrections: (workspace) => pageFromMongo(() => audit.corrections(workspace)),
  noteCorrection: (workspace, record) => pageFromMongo(() => audit.appendCorrection(workspace, record)),
  changeOverride: (wish) =>
    changeOverride({ ...check, store: overrides, now: systemClock }, wish).finally(() =>
      near.forget(wish.workspace),
    ),
  catalogueSource: async (requestLog) => {
    await catalogue
      .refresh()
      .catch((error: unknown) => requestLog.warn({ err: error }, 'the newest catalogue is not known'))
    return catalogue.source
  },
  proposeCatalogue: (candidate, { workspacesAfter: after }) =>
    proposeCatalogue({ ...revisionDeps, inUse: () => readCatalogueUse({ after }, source) }, candidate),
  changeCatalogue: async (wish, requestLog) => {
    const next = await changeCatalogue(revisionDeps, wish)
    if (!wish.isDryRun) await nameRevision(naming, next.revision, requestLog)
    return next
  },
  catalogueHeads: () => pageFromMongo(() => catalogueLog.heads()),
  notices: (workspace, place) => pageFromMongo(() => notices.page(workspace, place)),
  workspacesAfter: (workspace, limit) => pageFromMongo(() => workspaces.after(workspace, limit)),
  noteDecision: (decision) => {
    recorder.note(decision)
    if (decision.degraded === true) unfounded.note(`${decision.feature} ${decision.reason}`)
  },
  decisionPage: (workspace, query) => pageFromMongo(() => decisions.page(workspace, query)),
  nearLimits: (query) => fromRedis(() => limits.highest(shards, query)),
  letters: {
    page: (query, place) => pageFromMongo(() => letters.page(query, place)),
    one: (id) => pageFromMongo(() => letters.one(id)),
    overview: (query) => pageFromMongo(() => letterOverview({ letters, redrives }, query)),
  },
  system: {
    partitions: install.usagePartitions,
    shards: () => fromRedis(() => readShardStates(redis, shards)),
    ends: () => ends.read(),
    enforcementLags: () => fromRedis(() => readEnforcementLags(redis, systemClock())),
  },
  metrics: measured,
  health: {
    redis: () => redisProblem(redis),
    mongo: async () => mongo.ping().then(() => null),
    kafka: async () => usage.problem,
    process: async () => (draining.isUnderWay ? 'stopping' : null),
  },
}

/** What ops people read of all shards at once; not for answers that are waited for in a hurry. */
async function fromRedis<Value>(read: () => Promise<Value>): Promise<Value> {
  const late = (): Error => new TallygateError('unavailable', 'Redis does not answer; try again')
  return inTime(read(), { withinMs: PAGE_WITHIN_MS, late }).catch((error: unknown) => {
    if (error instanceof TallygateError) throw error
    throw new TallygateError('unavailable', 'Redis does not answer; try again', {}, error)
  })
}

const capacity = {
  inFlightMax: config.IN_FLIGHT_MAX,
  keyRate: { perSecond: config.KEY_REQUESTS_PER_S, burst: config.KEY_BURST },
  isBehind: () => loop.lateMs(performance.now()) > config.LOOP_DELAY_MAX_MS,
  onShed,
}
const app = await createApp(context, log, { capacity, draining, traces })
app.server.maxConnections = config.CONNECTIONS_MAX

await startingUsage
const health = await serveHealth({
  host: config.ADMIN_HOST,
  port: config.ADMIN_PORT,
  setting: 'ADMIN_PORT',
  metrics,
  checks: context.health,
})
shutdown.add('health', () => health.close())
const loop = watchLoop()
await listenOn(app, { host: config.API_HOST, port: config.API_PORT, setting: 'API_PORT' })
shutdown.add('API', async () => {
  draining.isUnderWay = true
  await pause(config.DRAIN_MS)
  await app.close()
})
log.info({ port: config.API_PORT, adminPort: config.ADMIN_PORT }, 'the API answers')
