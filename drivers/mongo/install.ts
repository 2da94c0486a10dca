import { randomBytes } from 'node:crypto'
import type { Db } from 'mongodb'
import { TallygateError } from '#core/errors.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { isClusterUrl } from '#drivers/redis/address.ts'
import { DEDUPE_SUB_SHARDS, SHARDS_CLUSTER, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { isDuplicateKey } from './append-log.ts'

/** What is fixed when Tallygate is installed; counters could not be read under other values. */
export interface Install {
  readonly shards: number
  readonly shardHash: 'fnv1a32'
  /** Hash of event ids (ADR 0020). */
  readonly dedupeHash: 'siphash24-128'
  /** Secret of the dedupe hash, 64 hex digits. */
  readonly dedupeKey: string
  readonly dedupeSubShards: number
  /** What a sub-shard is chosen by (ADR 0037). */
  readonly dedupeSets: 'murmur2-8'
  /** Partitions of `usage.events`. */
  readonly usagePartitions: number
}

/** What this build and deployment want the install to be. */
export type InstallWish = Omit<Install, 'dedupeKey'>

/** What this build wants: 16 shards, and the partitions that `usage.events` is created with. */
export const installWish: InstallWish = {
  shards: SHARDS_DEFAULT,
  shardHash: 'fnv1a32',
  dedupeHash: 'siphash24-128',
  dedupeSubShards: DEDUPE_SUB_SHARDS,
  dedupeSets: 'murmur2-8',
  usagePartitions: partitions['usage.events'],
}

/** The same for the Redis of an address: a cluster gets more shards. */
export function installWishFor(redisUrl: string): InstallWish {
  return isClusterUrl(redisUrl) ? { ...installWish, shards: SHARDS_CLUSTER } : installWish
}

interface InstallDocument extends Install {
  readonly _id: string
}

/**
 * Reads the install document, or inserts it at the very first start; two first starts have one winner.
 *
 * The number of shards stays what it was, whatever Redis is in use now. Throws `invalid_config` when this process wants
 * other values than were installed.
 */
export async function ensureInstall(db: Db, wish: InstallWish): Promise<Install> {
  const collection = db.collection<InstallDocument>('install')
  const found = await collection.findOne({ _id: 'install' })
  if (found !== null) return checked(found, wish)
  const fresh = { _id: 'install', ...wish, dedupeKey: randomBytes(32).toString('hex') }
  try {
    await collection.insertOne(fresh)
    return fresh
  } catch (error) {
    if (isDuplicateKey(error)) return ensureInstall(db, wish)
    throw error
  }
}

function checked(found: InstallDocument, wish: InstallWish): Install {
  const { _id, dedupeKey, ...installed } = found
  const problems = Object.entries(wish)
    .filter(([name, value]) => name !== 'shards' && Reflect.get(installed, name) !== value)
    .map(
      ([name, value]) =>
        `${name} was installed as ${String(Reflect.get(installed, name))}, not ${String(value)}`,
    )
  if (problems.length === 0) return { ...installed, dedupeKey }
  throw new TallygateError(
    'invalid_config',
    `${problems.join('; ')}; set it back, it cannot be changed later`,
  )
}
