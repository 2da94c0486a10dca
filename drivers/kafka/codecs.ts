import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'

/** The most that one compressed batch may expand to: a bomb ends as an error, not as a full memory. */
const OUTPUT_MAX = 64 * 1_048_576

interface CodecEncoder {
  readonly buffer: Buffer
}

/** Makes kafkajs read gzip with a bound, and zstd. Topics of ours are kept in gzip by the broker (`topics.ts`). */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: CodecEncoder) => promisify(gzip)(encoder.buffer),
    decompress: (buffer: Buffer) => promisify(gunzip)(buffer, { maxOutputLength: OUTPUT_MAX }),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: CodecEncoder) => promisify(zstdCompress)(encoder.buffer),
    decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer, { maxOutputLength: OUTPUT_MAX }),
  })
}
