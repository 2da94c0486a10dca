import { type Db, MongoClient } from 'mongodb'
import { Type } from 'typebox'

/** Settings of the MongoDB connection. */
export const mongoEnv = {
  MONGODB_URL: Type.String({
    default: 'mongodb://127.0.0.1:17017/tallygate',
    pattern: '^mongodb(\\+srv)?://',
    description: 'MongoDB connection string; its path names the database',
  }),
}

/** An open connection and its database. */
export interface MongoConnection {
  readonly db: Db
  readonly ping: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens MongoDB; writes are acknowledged by a majority and journaled. */
export async function connectMongo(url: string): Promise<MongoConnection> {
  const client = new MongoClient(url, {
    appName: 'tallygate',
    retryWrites: false,
    serverSelectionTimeoutMS: 3_000,
    connectTimeoutMS: 3_000,
    socketTimeoutMS: 10_000,
    writeConcern: { w: 'majority', journal: true },
  })
  await client.connect()
  const database = new URL(url).pathname.slice(1) || 'tallygate'
  const db = client.db(database)
  return {
    db,
    ping: async () => {
      await db.command({ ping: 1 }, { timeoutMS: 1_000 })
    },
    close: () => client.close(),
  }
}
