import type { Db } from 'mongodb'
import { TallygateError } from '#core/errors.ts'
import type { SchemaIds } from '#drivers/registry/schema-registry.ts'
import { isDuplicateKey } from './append-log.ts'

interface SchemaDocument {
  readonly _id: string
  readonly record: string
}

/** What a schema registry says of our records. */
export interface RegisteredSchemas {
  readonly ids: SchemaIds
  /** Text of a schema; null when the registry has no such id. */
  readonly fetchSchema: (schemaId: number) => Promise<string | null>
}

/**
 * Refuses a registry under whose ids the log would be read wrongly, and keeps the ids of this one.
 *
 * A record names its schema by id alone. A registry that lost its data numbers the same schemas anew, and a lead is read as a
 * contact without a word. Throws `invalid_config` for an id that stood for another record before, or for none now.
 */
export async function requireSameSchemas(db: Db, { ids, fetchSchema }: RegisteredSchemas): Promise<void> {
  const collection = db.collection<SchemaDocument>('schema_ids')
  const known = await collection.find().toArray()
  const now = await Promise.all(known.map(({ _id }) => fetchSchema(Number(_id))))
  const wrong = known.filter(({ record }, index) => recordOf(now[index] ?? null) !== record)
  if (wrong.length > 0) {
    const named = wrong.map(({ _id, record }) => `${_id} (${record})`).join(', ')
    throw new TallygateError(
      'invalid_config',
      `the schema registry has other schemas than records in Kafka were written with, or none, under ${named}: restore its data`,
    )
  }
  const seen = new Set(known.map(({ _id }) => _id))
  const fresh = Object.entries(ids).filter(([, id]) => !seen.has(String(id)))
  await Promise.all(
    fresh.map(([record, id]) =>
      collection.insertOne({ _id: String(id), record }).catch((error: unknown) => {
        if (!isDuplicateKey(error)) throw error
      }),
    ),
  )
}

function recordOf(text: string | null): string | null {
  if (text === null) return null
  const name: unknown = Reflect.get(Object(JSON.parse(text)), 'name')
  return typeof name === 'string' ? name : null
}
