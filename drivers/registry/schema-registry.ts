import confluent from '@kafkajs/confluent-schema-registry'
import { TallygateError } from '#core/errors.ts'
import { type RecordName, recordNames, schemaText, subjectOf } from '#schemas/records.ts'
import { Type } from '../json-schema.ts'

/** Settings of the schema registry. */
export const registryEnv = {
  SCHEMA_REGISTRY_URL: Type.String({
    default: 'http://127.0.0.1:18081/apis/ccompat/v7',
    pattern: '^https?://',
    description: 'https://user:password@host/path of a Confluent-compatible schema registry',
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
  readonly #headers: Readonly<Record<string, string>>
  readonly #client: confluent.SchemaRegistry

  constructor(url: string) {
    const { address, login } = splitLogin(url)
    this.#url = address
    const basic =
      login === null ? null : Buffer.from(`${login.username}:${login.password}`).toString('base64')
    this.#headers = {
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...(basic === null ? {} : { authorization: `Basic ${basic}` }),
    }
    const auth = login === null ? {} : { auth: login }
    this.#client = new confluent.SchemaRegistry({ host: address, retry: { retries: 2 }, ...auth })
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
    const headers = this.#headers
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return fetch(`${this.#url}${path}`, { ...init, headers, signal }).catch((error: unknown) => {
      const message = 'the schema registry does not answer: look at SCHEMA_REGISTRY_URL, and whether it runs'
      throw new TallygateError('unavailable', message, {}, error)
    })
  }
}

/** A URL without its login, which a request cannot be made with, and the login. */
function splitLogin(url: string): {
  readonly address: string
  readonly login: { readonly username: string; readonly password: string } | null
} {
  const parsed = new URL(url)
  const [username, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)]
  parsed.username = ''
  parsed.password = ''
  const address = parsed.href.replace(/\/$/, '')
  return { address, login: username === '' ? null : { username, password } }
}
