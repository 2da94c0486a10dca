import { type Db, MongoClient, MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb'
import { TallygateError } from '#core/errors.ts'
import { Type } from '../json-schema.ts'
import { loginProblem } from '../url-login.ts'

/** Settings of the MongoDB connection. */
export const mongoEnv = {
  MONGODB_URL: Type.String({
    default: 'mongodb://127.0.0.1:17017/tallygate',
    pattern: '^mongodb(\\+srv)?://',
    description:
      'mongodb://user:password@host:port,host:port/database?replicaSet=name; its path names the database',
  }),
}

/** An open connection and its database. */
export interface MongoConnection {
  readonly db: Db
  readonly ping: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Whether MongoDB itself said no, so that it can be reached. */
export function answeredByMongo(error: unknown): boolean {
  return error instanceof MongoServerError
}

/** Whether MongoDB could not be reached; a refused login or an option that it does not know is something else. */
export function isMongoAway(error: unknown): boolean {
  const cause = error instanceof TallygateError ? error.cause : error
  return cause instanceof MongoNetworkError || cause instanceof MongoServerSelectionError
}

/** Opens MongoDB; writes are acknowledged by a majority and journaled. Throws `unavailable`. */
export async function connectMongo(url: string): Promise<MongoConnection> {
  const client = await openClient(url)
  const db = client.db(databaseOf(url))
  return {
    db,
    ping: async () => {
      await db.command({ ping: 1 })
    },
    close: () => client.close(),
  }
}

/** Options of a URL that would weaken what is promised, with what they must be; all others are the operator's. */
const options: Readonly<Record<string, RegExp>> = {
  w: /^majority$/,
  j: /^true$/,
  journal: /^true$/,
  readpreference: /^primary$/i,
  readconcernlevel: /^(local|majority|linearizable)$/i,
  tlsinsecure: /^false$/,
  tlsallowinvalidcertificates: /^false$/,
  tlsallowinvalidhostnames: /^false$/,
}

/** What a connection string states that must not be: writes that may be lost, reads that are behind, TLS that proves nothing. */
export function mongoProblems({ MONGODB_URL }: { readonly MONGODB_URL: string }): readonly string[] {
  const login = loginProblem('MONGODB_URL', MONGODB_URL)
  if (login !== null) return [login]
  const query = MONGODB_URL.split('?').slice(1).join('?')
  return [...new URLSearchParams(query)].flatMap(([name, value]) => {
    const wanted = options[name.toLowerCase()]
    if (wanted === undefined || wanted.test(value)) return []
    return [
      `MONGODB_URL states ${name}=${value}; take it out: records of changes must not be lost or read late`,
    ]
  })
}

async function openClient(url: string): Promise<MongoClient> {
  try {
    const client = new MongoClient(url, {
      appName: 'tallygate',
      retryWrites: false,
      serverSelectionTimeoutMS: 3_000,
      connectTimeoutMS: 3_000,
      socketTimeoutMS: 10_000,
      writeConcern: { w: 'majority', journal: true },
    })
    return await client.connect().catch(async (error: unknown) => {
      await client.close()
      throw error
    })
  } catch (error) {
    const message =
      'MongoDB does not answer, or refuses the login: look at MONGODB_URL, and whether MongoDB runs'
    throw new TallygateError('unavailable', message, {}, error)
  }
}

/** The database that a connection string names by its path, `tallygate` without one; several hosts make it no URL. */
export function databaseOf(url: string): string {
  return /^[^/]+\/\/[^/]+\/([^?]+)/.exec(url)?.[1] ?? 'tallygate'
}
