import { TallygateClientError } from '../client-error.ts'
import { type RecordName, schemas } from './records.gen.ts'

/** Schema ids by record, as the registry gave them. */
export type SchemaIds = Readonly<Partial<Record<RecordName, number>>>

const TIMEOUT_MS = 5_000

/** A registry, and what tells it who asks. */
interface Registry {
  readonly address: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Asks a Confluent-compatible registry under which ids it has our schemas. Nothing is registered: that is Tallygate's.
 *
 * A login in its URL (`https://user:password@host/path`) is sent as basic authentication. Throws `not_found` when it lacks
 * one of them (this client is newer than what is deployed), `invalid_request` for what is no URL, else `unavailable`.
 */
export async function findSchemaIds(url: string): Promise<SchemaIds> {
  const records = Object.keys(schemas) as RecordName[]
  const registry = registryAt(url)
  const ids = await Promise.all(records.map((record) => findSchemaId(registry, record)))
  return Object.fromEntries(records.map((record, index) => [record, ids[index]]))
}

function registryAt(url: string): Registry {
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    const message = 'registry must be an http:// or https:// URL, or the schema ids'
    throw new TallygateClientError({ code: 'invalid_request', message })
  }
  const { username, password } = new URL(url)
  const address = new URL(url)
  address.username = ''
  address.password = ''
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
    'base64',
  )
  return {
    address: address.href.replace(/\/+$/, ''),
    headers: username === '' && password === '' ? {} : { authorization: `Basic ${login}` },
  }
}

async function findSchemaId({ address, headers }: Registry, record: RecordName): Promise<number> {
  const subject = `tallygate.${record}`
  const fail = (code: 'not_found' | 'unavailable', why: string, cause?: unknown): TallygateClientError =>
    new TallygateClientError({ code, message: `${subject} in the registry at ${address}: ${why}`, cause })
  const answer = await fetch(`${address}/subjects/${subject}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: schemas[record] }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw fail('unavailable', 'no answer; try again', cause)
  })
  const body: unknown = await answer.json().catch(() => null)
  const id: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined
  if (answer.ok && typeof id === 'number') return id
  if (answer.status === 404)
    throw fail('not_found', 'it lacks this version; bring the deployed Tallygate up to date first')
  throw fail('unavailable', `it answered ${answer.status}`)
}
