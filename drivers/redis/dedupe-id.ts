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
    const digest = hash('sha256', text, 'binary')
    const member = (BigInt(wordAt(digest, 4)) << 32n) | BigInt(wordAt(digest, 0) >>> 0)
    return { member: member.toString(), subShard: (wordAt(digest, 8) >>> 0) % DEDUPE_SUB_SHARDS }
  }
}

/** A signed little-endian word of a digest. As text it costs a third of what a Buffer does: every event is hashed. */
function wordAt(digest: string, at: number): number {
  const byte = (index: number): number => digest.charCodeAt(at + index)
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)
}
