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

declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** Requests of one connection to a broker: those on their way, and those that wait for a place among them. */
  class RequestQueue {
    constructor(options: {
      maxInFlightRequests: number | null
      requestTimeout: number
      enforceRequestTimeout: boolean
      clientId: string
      broker: string
      logger: { debug(): void; warn(): void }
    })
    readonly pending: readonly unknown[]
    readonly throttleCheckTimeoutId: NodeJS.Timeout | null
    push(request: {
      entry: { correlationId: number }
      expectResponse: boolean
      sendRequest: () => void
    }): void
    maybeThrottle(forMs: number): void
    checkPendingRequests(): void
    scheduleCheckPendingRequests(): void
    destroy(): void
  }
  export default RequestQueue
}

declare module 'kafkajs/src/utils/long.js' {
  /** A 64-bit number; immutable. */
  class Long {
    constructor(value: bigint)
    static fromString: (text: string) => Long
    static fromValue(value: bigint | number | string | Long): Long
    add(addend: Long | number): Long
    toString(): string
  }
  export default Long
}

declare module 'kafkajs/src/protocol/decoder.js' {
  import type Long from 'kafkajs/src/utils/long.js'

  /** Reads what a broker answers. */
  class Decoder {
    constructor(buffer: Buffer)
    readonly buffer: Buffer
    offset: number
    readVarLong(): Long | number
  }
  export default Decoder
}

declare module 'kafkajs/src/protocol/encoder.js' {
  /** Lays out what a broker is asked. */
  class Encoder {
    readonly buffer: Buffer
    writeVarLong(value: bigint | number): this
  }
  export default Encoder
}

declare module 'kafkajs/src/producer/index.js' {
  import type { Producer, ProducerConfig } from 'kafkajs'

  /** kafkajs' own producer, on a cluster of one's choice. */
  const createProducer: (options: ProducerConfig & { cluster: object; logger: object }) => Producer
  export default createProducer
}
