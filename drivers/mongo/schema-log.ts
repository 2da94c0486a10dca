import type { Collection, Db } from 'mongodb'
import { TallygateError } from '#core/errors.ts'
import type { SchemaIds, SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { isDuplicateKey } from './append-log.ts'

interface SchemaDocument {
  readonly _id: string
  readonly record: string
}

/**
 * The ids of our schemas, registered where they are not; kept, to refuse a registry under whose ids the log would be read wrongly.
 *
 * A record names its schema by id alone. A registry that lost its data numbers the same schemas anew, and a lead is read as a
 * contact without a word. Throws `invalid_config` for an id that stood for another record before, or for none now; nothing is
 * registered then, so that the data can be restored into a registry that holds nothing else.
 */
export async function requireSameSchemas(
  db: Db,
  registry: Pick<SchemaRegistry, 'schemaIds' | 'fetchSchema'>,
): Promise<SchemaIds> {
  const known = await requireKnownSchemas(db, registry)
  const ids = await registry.schemaIds()
  const seen = new Set(known.map(({ _id }) => _id))
  const fresh = Object.entries(ids).filter(([, id]) => !seen.has(String(id)))
  await Promise.all(
    fresh.map(([record, id]) =>
      schemasOf(db)
        .insertOne({ _id: String(id), record })
        .catch((error: unknown) => {
          if (!isDuplicateKey(error)) throw error
        }),
    ),
  )
  return ids
}

/** The same for whoever only reads: nothing is registered, and nothing is kept. Answers what is known. */
export async function requireKnownSchemas(
  db: Db,
  registry: Pick<SchemaRegistry, 'fetchSchema'>,
): Promise<readonly SchemaDocument[]> {
  const known = await schemasOf(db).find().toArray()
  const now = await Promise.all(known.map(({ _id }) => registry.fetchSchema(Number(_id))))
  const wrong = known.filter(({ record }, index) => recordOf(now[index] ?? null) !== record)
  if (wrong.length > 0) {
    const named = wrong.map(({ _id, record }) => `${_id} (${record})`).join(', ')
    throw new TallygateError(
      'invalid_config',
      `the schema registry has other schemas than records in Kafka were written with, or none, under ${named}: restore its data`,
    )
  }
  return known
}

function schemasOf(db: Db): Collection<SchemaDocument> {
  return db.collection('schema_ids')
}

function recordOf(text: string | null): string | null {
  if (text === null) return null
  const name: unknown = Reflect.get(Object(JSON.parse(text)), 'name')
  return typeof name === 'string' ? name : null
}
