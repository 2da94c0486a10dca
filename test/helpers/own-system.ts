import { randomUUID } from 'node:crypto'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { type EngineAddresses, engineAddresses } from './addresses.ts'
import { type System, startSystem } from './system.ts'

/** A catalogue as it is stored, to be changed by a test. */
export type CatalogueDraft = Record<string, Record<string, Record<string, unknown>>>

/** The engines of this run with a database of MongoDB and one of Redis that nothing else uses. */
export function ownAddresses(): EngineAddresses {
  const { mongo, redis, ...shared } = engineAddresses()
  const database = new URL(mongo)
  database.pathname = `/own-${randomUUID().slice(0, 8)}`
  return { ...shared, mongo: database.href, redis: new URL('/9', redis).href }
}

/** A system whose catalogue may be changed: no other test sees it. */
export async function startOwnSystem(addresses: EngineAddresses): Promise<System> {
  const system = await startSystem(['api', 'consumers'], {}, addresses)
  await system.redis.ping()
  return system
}

/** Stores a catalogue as the next revision and puts it in force, so that the very next check sees it. */
export async function enforce(system: System, source: unknown): Promise<number> {
  const log = new CatalogueLog(system.mongo.db)
  const revision = ((await log.newest())?.revision ?? 0) + 1
  const storedBy = { kind: 'setup', id: 'test', label: 'test' } as const
  await log.append({ revision, storedAt: Date.now(), storedBy, source })
  for (const { meta } of allShardKeys(SHARDS_DEFAULT)) await system.redis.hset(meta, 'cat', revision)
  return revision
}

/** The catalogue in force, as it was given. */
export async function currentCatalogue(system: System): Promise<CatalogueDraft> {
  const headers = { authorization: `Bearer ${system.key}` }
  const response = await fetch(`${system.api}/v1/catalogue`, { headers })
  return Object(await response.json()).catalogue
}
