import { TallygateError } from '#core/errors.ts'
import { type RecordName, recordNames, schemaText, subjectOf } from '#schemas/records.ts'
import { Type } from '../json-schema.ts'
import { loginProblem } from '../url-login.ts'

/** Settings of the schema registry. */
export const registryEnv = {
  SCHEMA_REGISTRY_URL: Type.String({
    default: 'http://127.0.0.1:18081/apis/ccompat/v7',
    pattern: '^https?://',
    description: 'https://user:password@host/path of a Confluent-compatible schema registry',
  }),
}

/** What of a SCHEMA_REGISTRY_URL is wrong though it begins as one should. */
export function registryProblems({
  SCHEMA_REGISTRY_URL: url,
}: {
  readonly SCHEMA_REGISTRY_URL: string
}): readonly string[] {
  const problem = loginProblem('SCHEMA_REGISTRY_URL', url)
  if (problem !== null) return [problem]
  return URL.canParse(url) ? [] : ['SCHEMA_REGISTRY_URL is no URL; write https://user:password@host/path']
}

/** Every subject keeps to this, so that any reader reads any writer (G14). */
const COMPATIBILITY = 'FULL_TRANSITIVE'
const TIMEOUT_MS = 5_000

/** Schema ids by record. */
export type SchemaIds = Readonly<Record<RecordName, number>>

/** Registers our schemas and looks up those that values were written with. */
export class SchemaRegistry {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string) {
    const { address, login } = splitLogin(url)
    this.#url = address
    const basic =
      login === null ? null : Buffer.from(`${login.username}:${login.password}`).toString('base64')
    this.#headers = {
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...(basic === null ? {} : { authorization: `Basic ${basic}` }),
    }
  }

  /**
   * Registers every record under its full name, and has each subject keep compatible; again, it returns the same ids.
   *
   * Throws `invalid_config` for a schema that is not compatible with all that were registered before.
   */
  async registerAll(): Promise<SchemaIds> {
    return forEachRecord((record) => this.#register(record))
  }

  /** The same ids for a process that starts: asks for those that are registered, and registers what is not. */
  async schemaIds(): Promise<SchemaIds> {
    return forEachRecord(async (record) => (await this.#idOf(record)) ?? (await this.#register(record)))
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

  /** The id of exactly this schema under its subject; null when it is not registered. */
  async #idOf(record: RecordName): Promise<number | null> {
    const response = await this.#post(`/subjects/${subjectOf(record)}`, record)
    if (!response.ok) await response.body?.cancel()
    return idIn(response)
  }

  async #register(record: RecordName): Promise<number> {
    const subject = subjectOf(record)
    const config = JSON.stringify({ compatibility: COMPATIBILITY })
    await this.#ask(`/config/${subject}`, { method: 'PUT', body: config })
    const response = await this.#post(`/subjects/${subject}/versions`, record)
    const id = await idIn(response)
    if (id !== null) return id
    const said = new Error(`${response.status} ${await response.text().catch(() => '')}`)
    if (response.status >= 500)
      throw new TallygateError('unavailable', `the registry did not take the schema of ${subject}`, {}, said)
    const message = `the registry refused the schema of ${subject}; it must stay ${COMPATIBILITY} with every version before`
    throw new TallygateError('invalid_config', message, { subject }, said)
  }

  async #post(path: string, record: RecordName): Promise<Response> {
    const body = JSON.stringify({ schemaType: 'AVRO', schema: schemaText(record) })
    const ask = (): Promise<Response> => this.#ask(path, { method: 'POST', body })
    const response = await ask()
    // A registry that two ask to register the same at once may fail one of them.
    return response.status >= 500 ? ask() : response
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

async function forEachRecord(idOf: (record: RecordName) => Promise<number>): Promise<SchemaIds> {
  const entries = await Promise.all(
    recordNames.map(async (record): Promise<[RecordName, number]> => [record, await idOf(record)]),
  )
  return Object.fromEntries(entries) as Record<RecordName, number>
}

/** The id that an answer states; null for a refusal. */
async function idIn(response: Response): Promise<number | null> {
  if (!response.ok) return null
  const id: unknown = Reflect.get(Object(await response.json()), 'id')
  return typeof id === 'number' ? id : null
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
