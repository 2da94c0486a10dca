import type { Admin, Kafka } from 'kafkajs'
import { inTime } from '../in-time.ts'
import { readRanges } from './scan-topic.ts'

/** An answer is given again for so long, ms. */
const FRESH_MS = 1_000
const WITHIN_MS = 1_500

/** Where the partitions of a topic end, asked of the brokers when somebody wants to know. */
export class LogEnds {
  readonly #kafka: Kafka
  readonly #topic: string
  #admin: Promise<Admin> | null = null
  #asked: { readonly at: number; readonly ends: Promise<ReadonlyMap<number, number>> } | null = null

  constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka
    this.#topic = topic
  }

  /** The offset after the last record, by partition; null when the brokers do not say in time. */
  async read(): Promise<ReadonlyMap<number, number> | null> {
    const now = performance.now()
    if (this.#asked === null || now - this.#asked.at > FRESH_MS) this.#asked = { at: now, ends: this.#ask() }
    const late = (): Error => new Error('the brokers do not say where the log ends')
    return inTime(this.#asked.ends, { withinMs: WITHIN_MS, late }).catch(() => null)
  }

  /** Leaves the brokers. */
  async close(): Promise<void> {
    await (await this.#admin?.catch(() => null))?.disconnect()
  }

  async #ask(): Promise<ReadonlyMap<number, number>> {
    this.#admin ??= this.#connect()
    try {
      const ranges = await readRanges(await this.#admin, this.#topic)
      return new Map(ranges.map(({ partition, high }) => [partition, high]))
    } catch (error) {
      this.#admin = null
      throw error
    }
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin()
    await admin.connect()
    return admin
  }
}
