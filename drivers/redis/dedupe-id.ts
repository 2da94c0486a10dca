import { hash } from 'node:crypto'
import { DEDUPE_SUB_SHARDS } from './keys.ts'

/** Where an event's identity is remembered: a 64-bit member, and the sub-shard of its day's bucket. */
export interface DedupeId {
  readonly member: string
  readonly subShard: number
}

/** What makes an event itself: two copies with the same three are one event (api.md). */
export interface EventIdentity {
  readonly workspace: string
  readonly source: string
  readonly id: string
}

/**
 * Hashes identities with the install's secret key, so that nobody outside can aim at a collision.
 *
 * The member is 64 bits of SHA-256 over key and length-prefixed (workspace, source, id), as a signed decimal
 * so that Redis keeps it in an intset; the sub-shard comes from other bits of the same hash.
 */
export function dedupeHasher(key: string): (identity: EventIdentity) => DedupeId {
  return ({ workspace, source, id }) => {
    const text = `${key}${workspace.length}:${workspace}${source.length}:${source}${id.length}:${id}`
    const digest = hash('sha256', text, 'buffer')
    return {
      member: digest.readBigInt64LE(0).toString(),
      subShard: digest.readUInt32LE(8) % DEDUPE_SUB_SHARDS,
    }
  }
}
