import type avro from 'avsc'
import type { DeadLetterCode } from '#core/errors.ts'
import { ownValue } from '#core/own-value.ts'
import { NAMESPACE, type RecordName, schemaText, typeOfSchema } from './records.ts'
import { PREFIX_BYTES, schemaIdOf } from './wire-format.ts'
import { hasZeroByteItems } from './zero-byte-items.ts'

/** The largest value that is decoded; a larger one is a dead letter `too_large`. */
export const VALUE_BYTES_MAX = 524_288

/** How long an unknown schema id is not asked for again. */
const UNKNOWN_FOR_MS = 30_000
/** Ids that the registry is asked about at once. */
const ASKED_AT_ONCE = 16
/** Ids that are remembered; with more, those that cannot be read are forgotten. */
const REMEMBERED_MAX = 10_000

/** What bytes say, or why they cannot be read. */
export type Decoded =
  | { readonly ok: true; readonly record: RecordName; readonly value: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false
      readonly code: DeadLetterCode
      readonly reason: string
      readonly schemaId: number | null
    }

interface DecoderOptions {
  /** Records that the topic allows. */
  readonly records: readonly RecordName[]
  /** Schema text of an id, null when the registry has none such; throws while it cannot be asked. */
  readonly fetchSchema: (schemaId: number) => Promise<string | null>
  /** Schema that a record is read as; the one in use when left out. */
  readonly schemaOf?: (record: RecordName) => string
  /** Largest value that is decoded, bytes; `VALUE_BYTES_MAX` when left out. Dead letters need more. */
  readonly bytesMax?: number
  /** A monotonic clock, ms. */
  readonly now: () => number
}

type Reader =
  | { readonly ok: true; readonly record: RecordName; readonly type: avro.Type; readonly resolver: unknown }
  | { readonly ok: false; readonly code: DeadLetterCode; readonly reason: string; readonly until: number }

/**
 * Decodes a topic's values, each by the schema it was written with, into the shape this version knows.
 *
 * Ids are made known by `prepare`; after that `decode` needs nobody. Unknown ids are remembered for 30 s.
 */
export class Decoder {
  readonly #options: DecoderOptions
  readonly #types: ReadonlyMap<string, { readonly record: RecordName; readonly type: avro.Type }>
  readonly #readers = new Map<number, Reader>()
  /** Schema ids that the registry is being asked about. */
  readonly #asked = new Map<number, Promise<void>>()

  constructor(options: DecoderOptions) {
    this.#options = options
    const types = options.records.map((record) => {
      const known = { record, type: typeOfSchema((options.schemaOf ?? schemaText)(record)) }
      return [`${NAMESPACE}.${record}`, known] as const
    })
    this.#types = new Map(types)
  }

  /** Learns the schemas of some values. Throws `unavailable` while the registry says nothing; try again. */
  async prepare(values: Iterable<Buffer | null>): Promise<void> {
    const ids = new Set<number>()
    for (const value of values) {
      const id = schemaIdOf(value)
      if (id !== null && !this.#isKnown(id)) ids.add(id)
    }
    const unknown = [...ids]
    for (let from = 0; from < unknown.length; from += ASKED_AT_ONCE)
      await Promise.all(unknown.slice(from, from + ASKED_AT_ONCE).map((id) => this.#learn(id)))
  }

  /** Asks for a schema once at a time. */
  #learn(id: number): Promise<void> {
    const asked = this.#asked.get(id)
    if (asked !== undefined) return asked
    const learning = this.#readerOf(id)
      .then((reader) => {
        if (this.#readers.size >= REMEMBERED_MAX) this.#forgetUnread()
        this.#readers.set(id, reader)
      })
      .finally(() => this.#asked.delete(id))
    this.#asked.set(id, learning)
    return learning
  }

  /** What a value says; its schema id must have been prepared. */
  decode(value: Buffer | null): Decoded {
    if (value === null) return refusal('undecodable', 'the record has no value', null)
    const bytesMax = this.#options.bytesMax ?? VALUE_BYTES_MAX
    if (value.length > bytesMax) {
      const reason = `the value has ${value.length} bytes; at most ${bytesMax} are read`
      return refusal('too_large', reason, schemaIdOf(value))
    }
    const schemaId = schemaIdOf(value)
    if (schemaId === null) {
      return refusal(
        'undecodable',
        'the value is not in the Confluent wire format: byte 0, schema id, Avro',
        null,
      )
    }
    const reader = this.#readers.get(schemaId)
    if (reader === undefined)
      return refusal('unknown_schema', `schema ${schemaId} was never looked up`, schemaId)
    if (!reader.ok) return refusal(reader.code, reader.reason, schemaId)
    return decodeBody(value, { ...reader, schemaId })
  }

  #isKnown(id: number): boolean {
    const reader = this.#readers.get(id)
    return reader !== undefined && (reader.ok || this.#options.now() < reader.until)
  }

  #forgetUnread(): void {
    for (const [id, { ok }] of this.#readers) if (!ok) this.#readers.delete(id)
  }

  async #readerOf(id: number): Promise<Reader> {
    const text = await this.#options.fetchSchema(id)
    const until = this.#options.now() + UNKNOWN_FOR_MS
    const refuse = (code: DeadLetterCode, reason: string): Reader => ({ ok: false, code, reason, until })
    if (text === null)
      return refuse('unknown_schema', `the registry has no schema ${id}; register it, then redrive`)
    try {
      return (
        this.#makeReader(text, id) ?? refuse('foreign_subject', foreignReason(text, [...this.#types.keys()]))
      )
    } catch (error) {
      return refuse('undecodable', `schema ${id} cannot be read as the one we know: ${messageOf(error)}`)
    }
  }

  #makeReader(text: string, id: number): Reader | null {
    const writer = typeOfSchema(text)
    if (hasZeroByteItems(writer)) throw new Error(`schema ${id} has an array of items without bytes`)
    const known = this.#types.get(writer.name ?? '')
    if (known === undefined) return null
    return { ok: true, ...known, resolver: known.type.createResolver(writer) }
  }
}

interface BodyReader {
  readonly record: RecordName
  readonly type: avro.Type
  readonly resolver: unknown
  readonly schemaId: number
}

function decodeBody(value: Buffer, { record, type, resolver, schemaId }: BodyReader): Decoded {
  try {
    const read = Reflect.apply(type.decode, type, [value, PREFIX_BYTES, resolver])
    if (read.offset < 0) return refusal('undecodable', `the ${record} ends too early`, schemaId)
    if (read.offset !== value.length) {
      return refusal('undecodable', `${value.length - read.offset} bytes stand after the ${record}`, schemaId)
    }
    return { ok: true, record, value: read.value }
  } catch (error) {
    return refusal('undecodable', `not a ${record}: ${messageOf(error)}`, schemaId)
  }
}

function refusal(code: DeadLetterCode, reason: string, schemaId: number | null): Decoded {
  return { ok: false, code, reason, schemaId }
}

function foreignReason(text: string, known: readonly string[]): string {
  const schema: Record<string, unknown> = JSON.parse(text)
  const name = `${String(ownValue(schema, 'namespace') ?? '')}.${String(ownValue(schema, 'name') ?? '')}`
  return `${name} does not belong on this topic; it takes ${known.join(', ')}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
