declare module 'snappyjs' {
  const snappy: {
    compress(input: Buffer): Buffer
    uncompress(input: Buffer, bytesMax: number): Buffer
  }
  /** Snappy blocks, without frames. */
  export default snappy
}

declare module 'lz4js' {
  const lz4: {
    compress(input: Uint8Array): Uint8Array
    decompress(input: Uint8Array, bytesMax: number): Uint8Array
    decompressBound(input: Uint8Array): number
  }
  /** LZ4 frames. */
  export default lz4
}
