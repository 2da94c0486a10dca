import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { connectMongo } from '#drivers/mongo/connect.ts'

/** A database of its own, while a test runs, that remembers an id of the registry as that of leads; its URL. */
export async function rememberLeadsAs(schemaId: number, mongoUrl: string): Promise<string> {
  const url = mongoUrl.replace(/\/[^/]*$/, `/schemas-${randomUUID()}`)
  const mongo = await connectMongo(url)
  onTestFinished(async () => {
    await mongo.db.dropDatabase()
    await mongo.close()
  })
  const ids = mongo.db.collection<{ readonly _id: string; readonly record: string }>('schema_ids')
  await ids.insertOne({ _id: String(schemaId), record: 'LeadEvent' })
  return url
}
