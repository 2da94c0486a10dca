import type { KafkaMessage } from 'kafkajs'

/** Header of a record that stands for one whose batch expands too far. */
const STUB_HEADER = 'tallygate-expands-too-far'

/**
 * Records without key and value, one for each record of a batch that may not be expanded, so that the batch
 * can be set aside and the partition goes on.
 *
 * Their number stands in the four bytes before the records in the fetched batch, which kafkajs passes on as a
 * view (record batch format 2). Offsets within a batch are dense: our topics are never compacted.
 */
export function stubRecords(records: Buffer): Buffer {
  const count = new DataView(records.buffer, records.byteOffset - 4, 4).getInt32(0)
  return Buffer.concat(Array.from({ length: count }, (_, index) => stubRecord(index)))
}

/** Whether a message stands for a record that could not be expanded. */
export function isStub({ headers, value }: Pick<KafkaMessage, 'headers' | 'value'>): boolean {
  return value === null && headers?.[STUB_HEADER] !== undefined
}

function stubRecord(offsetDelta: number): Buffer {
  const name = Buffer.from(STUB_HEADER)
  const attributes = Buffer.from([0])
  const body = Buffer.concat([
    attributes,
    varint(0),
    varint(offsetDelta),
    varint(-1),
    varint(-1),
    varint(1),
    varint(name.length),
    name,
    varint(0),
  ])
  return Buffer.concat([varint(body.length), body])
}

/** A signed integer in zigzag encoding, seven bits a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Buffer.from([...bytes, rest])
}
