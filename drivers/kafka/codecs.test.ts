import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { registerCodecs } from './codecs.ts'
import { stubRecords } from './oversized-batch.ts'

interface Codec {
  readonly compress: (encoder: { readonly buffer: Buffer }) => Promise<Buffer>
  readonly decompress: (buffer: Buffer) => Promise<Buffer>
}

registerCodecs()
const codecs = ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const
const records = Buffer.from('records of a batch '.repeat(500))

function codecOf(name: (typeof codecs)[number]): Codec {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  return CompressionCodecs[CompressionTypes[name]]()
}

/** As kafkajs passes on the records of a batch: with their number in the four bytes before. */
function asFetched(bytes: Buffer, count: number): Buffer {
  const number = Buffer.alloc(4)
  number.writeInt32BE(count)
  return Buffer.concat([number, bytes]).subarray(4)
}

test.for(codecs)(
  'G12: a batch in %s that is cut, or no such stream at all, becomes a stub for each record',
  async (name) => {
    const { compress, decompress } = codecOf(name)
    const whole = await compress({ buffer: records })
    expect(await decompress(asFetched(whole, 3))).toEqual(records)
    const noise = Buffer.from(Array.from({ length: 400 }, (_, index) => (index * 97 + 13) % 256))
    for (const damaged of [whole.subarray(0, whole.length - 12), noise]) {
      const stubs = stubRecords(asFetched(damaged, 3), 'damaged')
      expect(await decompress(asFetched(damaged, 3))).toEqual(stubs)
    }
  },
)
