import Decoder from 'kafkajs/src/protocol/decoder.js'
import Encoder from 'kafkajs/src/protocol/encoder.js'
import Long from 'kafkajs/src/utils/long.js'
import { beforeAll, expect, test } from 'vitest'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { quickenRecordDeltas } from './record-deltas.ts'

beforeAll(() => quickenRecordDeltas())

/** What a number of the wire is, added to an offset; and where the reader stands after it. */
function readBack(value: bigint, first = '9007199254740000'): readonly [string, number, number] {
  const { buffer } = new Encoder().writeVarLong(value)
  const decoder = new Decoder(Buffer.concat([buffer, Buffer.from([0x7f])]))
  const read = decoder.readVarLong()
  return [Long.fromValue(first).add(read).toString(), decoder.offset, buffer.length]
}

test('record deltas: numbers of every length are read as they were written, and no byte more', () => {
  const next = seededRandom(seedOfRun())
  const edges = [0, 6, 7, 13, 14, 20, 21, 27, 28, 29, 34, 35, 48, 62].flatMap((bits) => {
    const power = 1n << BigInt(bits)
    return [power, power - 1n, -power, -power - 1n]
  })
  const random = Array.from({ length: 2_000 }, () => BigInt(next(2 ** 31)) << BigInt(next(32)))
  for (const value of [...edges, ...random]) {
    const [sum, read, written] = readBack(value)
    expect(sum, `${value}, seed ${seedOfRun()}`).toBe(String(9_007_199_254_740_000n + value))
    expect(read, `${value}`).toBe(written)
  }
})

test('record deltas: a batch that begins elsewhere is counted from there', () => {
  expect(readBack(5n, '100')[0]).toBe('105')
  expect(readBack(5n, '200')[0]).toBe('205')
  expect(readBack(5n, '100')[0]).toBe('105')
  expect(() => Long.fromString('')).toThrow()
})
