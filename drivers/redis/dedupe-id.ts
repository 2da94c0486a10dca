import { createHash } from 'node:crypto'
import { dedupeSubShard } from './keys.ts'
import { SipHash } from './sip-hash.ts'

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

/** Most bytes of an identity: lengths, a workspace, a source and an id of ours. */
const IDENTITY_BYTES_MAX = 1_024
const KEY_BYTES = 16

/**
 * Hashes identities with the install's secret key, so that nobody outside can aim at a collision.
 *
 * The member is 64 of 128 bits of SipHash-2-4 over length-prefixed (workspace, source, id), as a signed decimal so that
 * Redis keeps it in an intset; the sub-shard comes from the workspace and from other bits (ADR 0037). Its key is the first half
 * of the secret's SHA-256. Named in the install document as `siphash24-128` (ADR 0020). Throws RangeError for ids that are not ASCII: those are
 * refused before they come here.
 */
export function dedupeHasher(key: string): (identity: EventIdentity) => DedupeId {
  const hash = new SipHash(createHash('sha256').update(key).digest().subarray(0, KEY_BYTES))
  const { input, result } = hash
  const member = new BigInt64Array(result.buffer, result.byteOffset, 1)
  return ({ workspace, source, id }) => {
    let at = writeText(input, 0, workspace)
    at = writeText(input, at, source)
    at = writeText(input, at, id)
    hash.digest(at)
    return { member: String(member[0]), subShard: dedupeSubShard(workspace, result[2] ?? 0) }
  }
}

/** Writes a text with its length before it; returns where it ends. */
function writeText(bytes: Uint8Array, from: number, text: string): number {
  const { length } = text
  if (from + length + 2 > IDENTITY_BYTES_MAX) throw new RangeError('an identity is too long')
  bytes[from] = length & 0xff
  bytes[from + 1] = length >>> 8
  let seen = 0
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index)
    bytes[from + 2 + index] = code
    seen |= code
  }
  if (seen > 0x7f) throw new RangeError('an identity is ASCII')
  return from + 2 + length
}
