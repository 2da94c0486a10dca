import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import openWabt from 'wabt'
import { SipHash } from './sip-hash.ts'

/** The reference implementation's results for 0, 1, 2 … under the key 0, 1 … 15, by their length. */
const vectors = {
  0: 'a3817f04ba25a8e66df67214c7550293',
  1: 'da87c1d86b99af44347659119b22fc45',
  4: 'f88164c12d9c8faf7d0f6e7c7bcd5579',
  7: 'a1f1ebbed8dbc153c0b84aa61ff08239',
  8: '3b62a9ba6258f5610f83e264f31497b4',
  15: '5493e99933b0a8117e08ec0f97cfc3d9',
  63: '5150d1772f50834a503e069a973fbd7c',
} as const

test.for(Object.entries(vectors))('SipHash of %s bytes is what its authors say', ([length, expected]) => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, index) => index))
  hash.input.fill(0xff)
  hash.input.set(Uint8Array.from({ length: Number(length) }, (_, index) => index))
  hash.digest(Number(length))
  const { buffer, byteOffset, byteLength } = hash.result
  expect(Buffer.from(buffer, byteOffset, byteLength).toString('hex')).toBe(expected)
})

test('sip-hash.wasm is what sip-hash.wat says; otherwise run `make wasm`', async () => {
  const wabt = await openWabt()
  const name = 'sip-hash.wat'
  const { buffer } = wabt.parseWat(name, readFileSync(new URL(name, import.meta.url), 'utf8')).toBinary({})
  const kept = readFileSync(new URL('sip-hash.wasm', import.meta.url))
  expect(Buffer.from(buffer).toString('hex')).toBe(kept.toString('hex'))
})

test('more bytes than there are cannot be hashed', () => {
  const hash = new SipHash(new Uint8Array(16))
  expect(() => hash.digest(hash.input.length)).toThrow(RangeError)
})

test('a key of another length is refused', () => {
  expect(() => new SipHash(new Uint8Array(8))).toThrow(RangeError)
})
