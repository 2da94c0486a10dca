import confluent from '@kafkajs/confluent-schema-registry'
import { Type } from 'typebox'
import { TallygateError } from '#core/errors.ts'
import { type RecordName, recordNames, schemaText, subjectOf } from '#schemas/records.ts'

/** Settings of the schema registry. */
export const registryEnv = {
  SCHEMA_REGISTRY_URL: Type.String({
    default: 'http://127.0.0.1:18081/apis/ccompat/v7',
    pattern: '^https?://',
    description: 'Confluent-compatible schema registry',
  }),
}

/** Every subject keeps to this, so that any reader reads any writer (G14). */
const COMPATIBILITY = confluent.COMPATIBILITY.FULL_TRANSITIVE
const TIMEOUT_MS = 5_000

/** Schema ids by record. */
export type SchemaIds = Readonly<Record<RecordName, number>>

/** Registers our schemas and looks up those that values were written with. */
export class SchemaRegistry {
  readonly #url: string
  readonly #client: confluent.SchemaRegistry

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '')
    this.#client = new confluent.SchemaRegistry({ host: this.#url, retry: { retries: 2 } })
  }

  /**
   * Registers every record under its full name; again, it returns the same ids.
   *
   * Throws `invalid_config` for a schema that is not compatible with all that were registered before.
   */
  async registerAll(): Promise<SchemaIds> {
    const entries = await Promise.all(
      recordNames.map(
        async (record): Promise<[RecordName, number]> => [record, await this.#register(record)],
      ),
    )
    return Object.fromEntries(entries) as Record<RecordName, number>
  }

  /** Text of a schema; null when the registry has no such id. Throws `unavailable` while it cannot be asked. */
  async fetchSchema(schemaId: number): Promise<string | null> {
    const response = await this.#ask(`/schemas/ids/${schemaId}`, { method: 'GET' })
    if (response.status === 404) return null
    const body: unknown = await response.json()
    const schema: unknown =
      typeof body === 'object' && body !== null ? Reflect.get(body, 'schema') : undefined
    if (response.ok && typeof schema === 'string') return schema
    throw new TallygateError(
      'unavailable',
      `the schema registry answered ${response.status} for schema ${schemaId}`,
    )
  }

  /** Whether the registry answers. */
  async ping(): Promise<void> {
    const response = await this.#ask('/subjects', { method: 'GET' })
    if (!response.ok)
      throw new TallygateError('unavailable', `the schema registry answered ${response.status}`)
  }

  async #register(record: RecordName): Promise<number> {
    const subject = subjectOf(record)
    const config = JSON.stringify({ compatibility: COMPATIBILITY })
    await this.#ask(`/config/${subject}`, { method: 'PUT', body: config })
    const schema = { type: confluent.SchemaType.AVRO, schema: schemaText(record) } as const
    try {
      const { id } = await this.#client.register(schema, { subject, compatibility: COMPATIBILITY })
      return id
    } catch (error) {
      const message = `the registry refused the schema of ${subject}; it must stay ${COMPATIBILITY} with every version before`
      throw new TallygateError('invalid_config', message, { subject }, error)
    }
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return fetch(`${this.#url}${path}`, { ...init, headers, signal }).catch((error: unknown) => {
      throw new TallygateError('unavailable', 'the schema registry does not answer; try again', {}, error)
    })
  }
}
