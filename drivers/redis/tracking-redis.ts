import { Decoder } from 'ioredis/built/resp/decoder.js'
import type { ServerSettings } from './connect.ts'
import { GatheringRedis } from './gathering-redis.ts'

/** What a tracking connection tells of. */
export interface TrackingListener {
  /** Keys that were read over it were changed; null = all. Told before any reply that came with the same bytes is. */
  readonly onChanged: (keys: readonly string[] | null) => void
  /** From here on nothing is told of what was read before. */
  readonly onLost: () => void
  /** This Redis will not tell of changes, and why; it is not asked again. */
  readonly onRefused: (reason: unknown) => void
}

/**
 * A connection whose server tells it, in the order of its replies, which of the keys that it read were changed.
 *
 * ioredis speaks RESP3 and drops the messages of client tracking, so the same bytes go through its decoder once more.
 */
export class TrackingRedis extends GatheringRedis {
  readonly #listener: TrackingListener
  #isTracking = false

  constructor(url: string, options: ServerSettings, listener: TrackingListener) {
    super(url, { ...options, autoResendUnfulfilledCommands: false })
    this.#listener = listener
    this.on('connect', () => this.#listen())
    this.on('ready', () => void this.#track())
    this.on('close', () => this.#lose())
    this.on('end', () => this.#lose())
    this.on('error', () => undefined)
  }

  /** Whether changes of what is read now will be told. */
  get isTracking(): boolean {
    return this.#isTracking
  }

  /** Begins anew with a new connection: nothing more is believed of this one. */
  startOver(): void {
    this.#lose()
    this.disconnect(true)
  }

  #listen(): void {
    const ignore = (): void => undefined
    const decoder = new Decoder({
      onReply: ignore,
      onErrorReply: ignore,
      onPush: (push) => this.#hear(push),
      getTypeMapping: () => ({}),
    })
    this.stream.prependListener('data', (bytes) => {
      try {
        decoder.write(bytes)
      } catch {
        this.startOver()
      }
    })
  }

  #hear([kind, keys]: readonly unknown[]): void {
    if (String(kind) !== 'invalidate') return
    this.#listener.onChanged(Array.isArray(keys) ? keys.map(String) : null)
  }

  async #track(): Promise<void> {
    const { stream } = this
    try {
      await this.client('TRACKING', 'ON')
      this.#isTracking = stream === this.stream && this.status === 'ready'
    } catch (error) {
      if (stream !== this.stream || this.status !== 'ready') return
      this.disconnect()
      this.#listener.onRefused(error)
    }
  }

  #lose(): void {
    this.#isTracking = false
    this.#listener.onLost()
  }
}
