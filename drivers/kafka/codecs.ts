import { promisify } from 'node:util'
import { gunzip, gunzipSync, gzip, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4js'
import snappy from 'snappyjs'
import { TurnBudget } from '../turn-budget.ts'
import { stubRecords } from './oversized-batch.ts'

/** The most that one compressed batch may expand to: a bomb ends as dead letters, not as a full memory. */
export const BATCH_BYTES_MAX = 64 * 1_048_576

interface CodecEncoder {
  readonly buffer: Buffer
}

type Expand = (buffer: Buffer) => Buffer | Promise<Buffer>

/** What expands to no more than this is expanded where it is read: a thread's help costs ten times what a small batch does. */
const HERE_BYTES_MAX = 1_048_576

/** Bytes that are expanded in one turn of the event loop, as they come: what a fetch brings of one partition. */
const expanding = new TurnBudget(65_536)

type Zlib = (buffer: Buffer, bound: { readonly maxOutputLength: number }) => Buffer
type ZlibInThread = (buffer: Buffer, bound: { readonly maxOutputLength: number }) => Promise<Buffer>

const expandGzip = hereIfSmall(gunzipSync, promisify(gunzip))
const expandZstd = hereIfSmall(zstdDecompressSync, promisify(zstdDecompress))
const unpackSnappy: (buffer: Buffer, bytesMax: number) => Buffer = snappy.uncompress

/** Magic bytes of the frames in which Java's Snappy library cuts its output. */
const SNAPPY_FRAMES = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const SNAPPY_HEADER_BYTES = 16

/**
 * Makes kafkajs read every codec that a producer may use, each with a bound on what it expands to.
 *
 * Topics of ours are kept in gzip by the broker (`topics.ts`); the others are for topics that were made elsewhere.
 */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: CodecEncoder) => promisify(gzip)(encoder.buffer),
    decompress: bounded(expandGzip),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: (encoder: CodecEncoder) => promisify(zstdCompress)(encoder.buffer),
    decompress: bounded(expandZstd),
  })
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async (encoder: CodecEncoder) => snappy.compress(encoder.buffer),
    decompress: bounded(expandSnappy),
  })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder: CodecEncoder) => Buffer.from(lz4.compress(encoder.buffer)),
    decompress: bounded(expandLz4),
  })
}

function hereIfSmall(expand: Zlib, inThread: ZlibInThread): Expand {
  return (buffer) => {
    try {
      return expand(buffer, { maxOutputLength: HERE_BYTES_MAX })
    } catch (error) {
      if (!isTooLarge(error)) throw error
      return inThread(buffer, { maxOutputLength: BATCH_BYTES_MAX })
    }
  }
}

/** Thrown by an expansion that would pass the bound. */
class TooLargeError extends Error {}

/**
 * A batch over the bound, or one that cannot be expanded, is replaced by a stub for each of its records.
 *
 * Brokers expand what they are given (our topics are kept in one codec), so that only a damaged disk brings the second.
 */
function bounded(expand: Expand): (buffer: Buffer) => Promise<Buffer> {
  return async (buffer) => {
    await expanding.take(buffer.length)
    try {
      return await expand(buffer)
    } catch (error) {
      if (isOutOfMemory(error)) throw error
      const isTooFar = error instanceof TooLargeError || isTooLarge(error)
      return stubRecords(buffer, isTooFar ? 'too_far' : 'damaged')
    }
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && Reflect.get(error, 'code') === 'ERR_BUFFER_TOO_LARGE'
}

/** This process cannot, another time or another one can. */
function isOutOfMemory(error: unknown): boolean {
  const { code = '', message = '' } = Object(error)
  return /MEM_ERROR|memory_allocation|allocation failed/i.test(`${code} ${message}`)
}

function expandSnappy(buffer: Buffer): Buffer {
  if (!buffer.subarray(0, SNAPPY_FRAMES.length).equals(SNAPPY_FRAMES)) return expandBlock(buffer, 0)
  const blocks: Buffer[] = []
  let bytes = 0
  for (let at = SNAPPY_HEADER_BYTES; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    const block = expandBlock(buffer.subarray(at + 4, at + 4 + length), bytes)
    blocks.push(block)
    bytes += block.length
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

/** One block; its own first bytes say how long it will be. */
function expandBlock(block: Buffer, before: number): Buffer {
  const length = snappyLength(block)
  if (before + length > BATCH_BYTES_MAX) throw new TooLargeError('a Snappy block is too large')
  return unpackSnappy(block, length)
}

function snappyLength(block: Buffer): number {
  let length = 0
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index] ?? 0
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) break
  }
  return length
}

const LZ4_MAGIC = 0x184d2204

/** Throws where the blocks of an LZ4 frame do not reach its end mark: lz4js makes zeros of what is missing. */
function requireWholeFrame(buffer: Buffer): void {
  if (buffer.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('no LZ4 frame')
  const flags = buffer.readUInt8(4)
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
  const optional = ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4)
  for (let at = 7 + optional; ; ) {
    const size = buffer.readUInt32LE(at)
    if (size === 0) return
    at += 4 + (size & 0x7f_ff_ff_ff) + checksumBytes
  }
}

function expandLz4(buffer: Buffer): Buffer {
  requireWholeFrame(buffer)
  const bytesMax = lz4.decompressBound(buffer)
  if (bytesMax > BATCH_BYTES_MAX) throw new TooLargeError('an LZ4 frame is too large')
  return Buffer.from(lz4.decompress(buffer, bytesMax))
}
