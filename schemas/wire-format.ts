/** First byte of the Confluent wire format; four bytes of schema id follow. */
const MAGIC = 0
/** Bytes before the Avro body. */
export const PREFIX_BYTES = 5

/** The schema id that a value names, or null when it is not in the wire format. */
export function schemaIdOf(value: Buffer | null): number | null {
  if (value === null || value.length < PREFIX_BYTES || value[0] !== MAGIC) return null
  return value.readInt32BE(1)
}

/** The five bytes that stand before a body written under a schema id. */
export function prefixOf(schemaId: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeInt32BE(schemaId, 1)
  return prefix
}
