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

/**
 * What a server says that cannot do now what it is for: its set has another primary or is choosing one, it shuts down, its
 * disk is full, it took too long, or it failed inside. The names and numbers are MongoDB's own.
 */
const NOT_NOW: ReadonlySet<unknown> = new Set([
  ...[1, 6, 7, 50, 64, 79, 89, 91, 133, 134, 189, 262],
  ...[9_001, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436, 14_031],
])

/** Whether MongoDB itself said no, so that it can be reached; one that cannot do anything now is as good as away. */
export function answeredByMongo(error: unknown): boolean {
  return error instanceof MongoServerError && !NOT_NOW.has(error.code)
}

/** Whether MongoDB could not be reached, or can do nothing now; a refused login or an option that it does not know is something else. */
export function isMongoAway(error: unknown): boolean {
  const cause = error instanceof TallygateError ? error.cause : error
  if (cause instanceof MongoServerError) return NOT_NOW.has(cause.code)
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
