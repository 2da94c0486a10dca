import { TallygateError } from '#core/errors.ts'
import { readEnv } from '#drivers/env.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { kafkaEnv, kafkaProblems, readKafkaSecurity } from '#drivers/kafka/security.ts'
import { ensureTopics, topicEnv } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { connectMongo, type MongoConnection, mongoEnv, mongoProblems } from '#drivers/mongo/connect.ts'
import { ensureInstall, installWishFor } from '#drivers/mongo/install.ts'
import { listEarlierWorkspaces } from '#drivers/mongo/list-earlier-workspaces.ts'
import { requireSameSchemas } from '#drivers/mongo/schema-log.ts'
import { redisProblems } from '#drivers/redis/address.ts'
import { redisEnv } from '#drivers/redis/connect.ts'
import { registryEnv, registryProblems, SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { DEFAULT_CATALOGUE, readCatalogue } from './read-catalogue.ts'

/** Where the engines answer. */
export interface SetupAddresses {
  readonly kafka: string
  readonly registry: string
  readonly mongo: string
  readonly redis: string
}

/** Every setting of the set-up by its environment name; API and consumers have the same. */
export const setupEnv = {
  ...kafkaEnv,
  ...topicEnv,
  ...redisEnv,
  ...mongoEnv,
  ...registryEnv,
}

/**
 * Says what is wrong with the settings and with a catalogue, and starts nothing; null when nothing is. It is the
 * catalogue that a new install begins with, unless another is named.
 */
export function problemsOfSetup(env: NodeJS.ProcessEnv, catalogue = DEFAULT_CATALOGUE): string | null {
  const problems = [() => settingsOf(env), () => readCatalogue(catalogue)].flatMap((read) => {
    try {
      read()
      return []
    } catch (error) {
      if (error instanceof TallygateError) return [error.message]
      throw error
    }
  })
  return problems.length === 0 ? null : problems.join('\n')
}

function settingsOf(env: NodeJS.ProcessEnv) {
  return readEnv(setupEnv, env, [kafkaProblems, mongoProblems, redisProblems, registryProblems])
}

/** Makes the engines that an environment names ready. Throws `invalid_config` with every problem of it. */
export async function setUpFrom(env: NodeJS.ProcessEnv): Promise<void> {
  const settings = settingsOf(env)
  const addresses = {
    kafka: settings.KAFKA_BROKERS,
    registry: settings.SCHEMA_REGISTRY_URL,
    mongo: settings.MONGODB_URL,
    redis: settings.REDIS_URL,
  }
  await setUp(addresses, { replicationFactor: settings.KAFKA_REPLICATION, env })
}

interface SetupOptions {
  readonly replicationFactor?: number
  /** How to log in to the engines beyond their addresses. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Makes engines ready for Tallygate: schemas, topics, the install document, the default catalogue, the list of
 * workspaces.
 *
 * Doing it again changes nothing. Throws `invalid_config` where what is there does not fit.
 */
export async function setUp(
  { kafka, registry, mongo, redis }: SetupAddresses,
  { replicationFactor = 1, env = process.env }: SetupOptions = {},
): Promise<void> {
  const connection = await connectMongo(mongo)
  try {
    await Promise.all([
      setUpSchemas(connection, new SchemaRegistry(registry)),
      setUpTopics(kafka, replicationFactor, env),
      setUpFacts(connection, redis),
    ])
  } finally {
    await connection.close()
  }
}

/** A registry that lost its data stays empty, so that it can be restored. */
async function setUpSchemas({ db }: MongoConnection, registry: SchemaRegistry): Promise<void> {
  await requireSameSchemas(db, {
    fetchSchema: (id) => registry.fetchSchema(id),
    schemaIds: () => registry.registerAll(),
  })
}

async function setUpTopics(
  brokers: string,
  replicationFactor: number,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const log = createLogger('setup', 'fatal')
  const admin = connectKafka({
    brokers,
    security: readKafkaSecurity(env, brokers),
    clientId: 'tallygate-setup',
    log,
  }).admin()
  await admin.connect()
  try {
    await ensureTopics(admin, replicationFactor)
  } finally {
    await admin.disconnect()
  }
}

async function setUpFacts({ db }: MongoConnection, redis: string): Promise<void> {
  await ensureInstall(db, installWishFor(redis))
  await listEarlierWorkspaces(db)
  const log = new CatalogueLog(db)
  if ((await log.newest()) !== null) return
  const source = readCatalogue(DEFAULT_CATALOGUE)
  const storedBy = { kind: 'setup', id: 'deploy/catalogue.json', label: 'the default catalogue' } as const
  await log.append({ revision: 1, storedAt: Date.now(), storedBy, source })
}
