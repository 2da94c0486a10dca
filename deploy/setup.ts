import { readFileSync } from 'node:fs'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { ensureTopics } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { ensureInstall, installWish } from '#drivers/mongo/install.ts'
import { listEarlierWorkspaces } from '#drivers/mongo/list-earlier-workspaces.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'

/** Where the engines answer. */
export interface SetupAddresses {
  readonly kafka: string
  readonly registry: string
  readonly mongo: string
}

/**
 * Makes engines ready for Tallygate: schemas, topics, the install document, the default catalogue, the list of
 * workspaces.
 *
 * Doing it again changes nothing. Throws `invalid_config` where what is there does not fit.
 */
export async function setUp(
  { kafka, registry, mongo }: SetupAddresses,
  replicationFactor = 1,
): Promise<void> {
  await Promise.all([
    new SchemaRegistry(registry).registerAll(),
    setUpTopics(kafka, replicationFactor),
    setUpFacts(mongo),
  ])
}

async function setUpTopics(brokers: string, replicationFactor: number): Promise<void> {
  const log = createLogger('setup', 'fatal')
  const admin = connectKafka({ brokers, clientId: 'tallygate-setup', log }).admin()
  await admin.connect()
  try {
    await ensureTopics(admin, replicationFactor)
  } finally {
    await admin.disconnect()
  }
}

async function setUpFacts(url: string): Promise<void> {
  const mongo = await connectMongo(url)
  try {
    await ensureInstall(mongo.db, installWish)
    await listEarlierWorkspaces(mongo.db)
    const log = new CatalogueLog(mongo.db)
    if ((await log.newest()) !== null) return
    const source: unknown = JSON.parse(readFileSync(new URL('./catalogue.json', import.meta.url), 'utf8'))
    const parsed = parseCatalogue(source, 1)
    if (!parsed.ok) throw new TallygateError('invalid_catalogue', JSON.stringify(parsed.problems))
    const storedBy = { kind: 'setup', id: 'deploy/catalogue.json', label: 'the default catalogue' } as const
    await log.append({ revision: 1, storedAt: Date.now(), storedBy, source })
  } finally {
    await mongo.close()
  }
}
