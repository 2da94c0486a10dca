const SEED = 0x9747b28c
const FACTOR = 0x5bd1e995

/** The partition that a key's records go to, of so many: by murmur2 of its UTF-8, as Java's own producer and kafkajs choose it. */
export function partitionOfKey(key: string, partitions: number): number {
  let seen = 0
  for (let index = 0; index < key.length; index += 1) seen |= key.charCodeAt(index)
  const bytes = seen > 0x7f ? Buffer.from(key).toString('latin1') : key
  return (murmur2(bytes) & 0x7fffffff) % partitions
}

/**
 * MurmurHash2 of a text whose characters are bytes, 32 bits with their sign.
 *
 * Where it comes from: Appleby, MurmurHash2, 2008, with the seed of Kafka's `Utils.murmur2`.
 */
function murmur2(bytes: string): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = SEED ^ length
  for (let at = 0; at < whole; at += 4) {
    const low = bytes.charCodeAt(at) | (bytes.charCodeAt(at + 1) << 8)
    const word = Math.imul(low | (bytes.charCodeAt(at + 2) << 16) | (bytes.charCodeAt(at + 3) << 24), FACTOR)
    hash = Math.imul(hash, FACTOR) ^ Math.imul(word ^ (word >>> 24), FACTOR)
  }
  if (length > whole) {
    for (let at = whole; at < length; at += 1) hash ^= bytes.charCodeAt(at) << (8 * (at - whole))
    hash = Math.imul(hash, FACTOR)
  }
  hash = Math.imul(hash ^ (hash >>> 13), FACTOR)
  return hash ^ (hash >>> 15)
}
