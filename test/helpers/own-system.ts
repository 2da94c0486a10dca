import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
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

/**
 * A system whose catalogue may be changed: no other test sees it.
 *
 * Its database of Redis is emptied first: another such system has left its catalogue's revision there.
 */
export async function startOwnSystem(addresses: EngineAddresses): Promise<System> {
  const redis = new Redis(addresses.redis)
  await redis.flushdb()
  redis.disconnect()
  return startSystem(['api', 'consumers'], {}, addresses)
}

/** Stores a catalogue as the next revision: the very next check sees it. */
export async function enforce(system: System, source: unknown): Promise<void> {
  const headers = { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' }
  const url = `${system.api}/v1/catalogue`
  const etag = (await fetch(url, { headers })).headers.get('etag') ?? ''
  const body = JSON.stringify(source)
  const response = await fetch(url, { method: 'PUT', headers: { ...headers, 'if-match': etag }, body })
  if (response.status !== 200) throw new Error(`the catalogue was refused: ${await response.text()}`)
}

/** The catalogue in force, as it was given. */
export async function currentCatalogue(system: System): Promise<CatalogueDraft> {
  const headers = { authorization: `Bearer ${system.key}` }
  const response = await fetch(`${system.api}/v1/catalogue`, { headers })
  return Object(await response.json()).catalogue
}
