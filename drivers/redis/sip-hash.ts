import { readFileSync } from 'node:fs'

/** Bytes of a key. */
const KEY_BYTES = 16
/** Where sip-hash.wat looks for the state to begin with, leaves the result, and finds what is hashed. */
const [START_AT, RESULT_AT, INPUT_AT] = [0, 32, 64]

/** "somepseudorandomlygeneratedbytes", and 0xee in v1 for a result of 128 bits; words of 64 bits as two of 32, the low one first. */
const START = [
  0x70736575,
  0x736f6d65,
  0x6e646f6d ^ 0xee,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
]

const compiled = new WebAssembly.Module(readFileSync(new URL('./sip-hash.wasm', import.meta.url)))

/**
 * SipHash-2-4 with a result of 128 bits, for short texts and many of them: Node's own hashes spend nearly all of their time on the
 * way to them and back, and JavaScript has no words of 64 bits. The rounds are in `sip-hash.wat`.
 *
 * Where the constants and vectors come from: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its
 * reference implementation.
 */
export class SipHash {
  /** What is hashed is written here, from the start; what stands after it does not matter. */
  readonly input: Uint8Array
  /** Result of the last `digest`: four words, the least significant first. */
  readonly result: Int32Array
  readonly #digest: (bytes: number) => void

  /** A key has 16 bytes. Throws RangeError for any other. */
  constructor(key: Uint8Array) {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`)
    const { memory, digest } = new WebAssembly.Instance(compiled).exports
    if (!(memory instanceof WebAssembly.Memory) || !isDigest(digest))
      throw new TypeError('sip-hash.wasm is not what sip-hash.wat says; run `make wasm`')
    const words = new DataView(key.buffer, key.byteOffset, KEY_BYTES)
    const start = new DataView(memory.buffer, START_AT)
    for (const [index, word] of START.entries())
      start.setInt32(4 * index, word ^ words.getInt32((4 * index) % KEY_BYTES, true), true)
    this.input = new Uint8Array(memory.buffer, INPUT_AT)
    this.result = new Int32Array(memory.buffer, RESULT_AT, 4)
    this.#digest = digest
  }

  /** Hashes so many bytes of `input`. Throws RangeError where there are not so many. */
  digest(bytes: number): void {
    if (bytes + 8 > this.input.length) throw new RangeError(`${bytes} bytes are more than the input holds`)
    this.#digest(bytes)
  }
}

function isDigest(value: unknown): value is (bytes: number) => void {
  return typeof value === 'function'
}
