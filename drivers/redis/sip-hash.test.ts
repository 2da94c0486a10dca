import { expect, test } from 'vitest'
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
  const words = new Int32Array(20).fill(-1)
  new Uint8Array(words.buffer).set(Uint8Array.from({ length: Number(length) }, (_, index) => index))
  hash.digest(words, Number(length))
  expect(Buffer.from(hash.result.buffer).toString('hex')).toBe(expected)
})

test('a key of another length is refused', () => {
  expect(() => new SipHash(new Uint8Array(8))).toThrow(RangeError)
})
