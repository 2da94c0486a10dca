import type { KafkaMessage } from 'kafkajs'

/** Header of a record that stands for one whose batch is not expanded; its value says why. */
const STUB_HEADER = 'tallygate-not-expanded'

const causes = ['too_far', 'damaged'] as const
/** Why a batch is not expanded: to more than may be, or its bytes are no stream of its codec. */
export type StubCause = (typeof causes)[number]

/**
 * Records without key and value, one for each record of a batch that may not or cannot be expanded, so that the batch
 * can be set aside and the partition goes on.
 *
 * Their number stands in the four bytes before the records in the fetched batch, which kafkajs passes on as a
 * view (record batch format 2). Offsets within a batch are dense: our topics are never compacted.
 */
export function stubRecords(records: Buffer, cause: StubCause): Buffer {
  const count = new DataView(records.buffer, records.byteOffset - 4, 4).getInt32(0)
  return Buffer.concat(Array.from({ length: count }, (_, index) => stubRecord(index, cause)))
}

/** Why a message stands for a record that was not expanded; null for a record. */
export function stubCause({ headers, value }: Pick<KafkaMessage, 'headers' | 'value'>): StubCause | null {
  if (value !== null) return null
  const header = headers?.[STUB_HEADER]
  return causes.find((cause) => cause === header?.toString()) ?? null
}

function stubRecord(offsetDelta: number, cause: StubCause): Buffer {
  const name = Buffer.from(STUB_HEADER)
  const value = Buffer.from(cause)
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
    varint(value.length),
    value,
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
