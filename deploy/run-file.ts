import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '#core/api-key.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { KeyStore } from '#drivers/mongo/key-store.ts'

const SETUP = { kind: 'setup', id: 'run.json', label: 'first start' } as const

/** Where a running Tallygate answers, and a key for each scope (api.md, "Commands"). */
export interface RunFile {
  readonly api: string
  readonly admin: string
  readonly kafka: string
  readonly registry: string
  readonly redis: string
  readonly mongo: string
  readonly keys: Readonly<Record<KeyName, string>>
}

const keyScopes = {
  check: 'check',
  consume: 'consume',
  events: 'events:write',
  read: 'usage:read',
  admin: 'admin',
} as const satisfies Record<string, Scope>
type KeyName = keyof typeof keyScopes

const OWNER_ONLY = 0o600

/** The secret that key hashes are made with: made once, kept in a file that only the owner may read. */
export function pepperOf(dir: string): string {
  const path = join(dir, 'pepper')
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  mkdirSync(dir, { recursive: true })
  const pepper = randomBytes(32).toString('hex')
  writeFileSync(path, `${pepper}\n`, { mode: OWNER_ONLY })
  return pepper
}

/** The run file of a directory, null when nothing was ever started there. */
export function readRunFile(dir: string): RunFile | null {
  const path = join(dir, 'run.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

/** Writes the run file; keys that still work are kept. */
export async function writeRunFile(dir: string, urls: Omit<RunFile, 'keys'>): Promise<RunFile> {
  const mongo = await connectMongo(urls.mongo)
  try {
    const store = new KeyStore(mongo.db, pepperOf(dir))
    const before = readRunFile(dir)?.keys
    const keys: [string, string][] = []
    for (const [name, scope] of Object.entries(keyScopes)) {
      const known = before?.[name as KeyName] ?? ''
      const isUsable = known !== '' && (await store.authenticate(known, Date.now())) !== null
      const wish = { scopes: [scope], workspaces: '*', label: `local ${name}`, expiresAt: null } as const
      keys.push([name, isUsable ? known : await store.create(wish, { at: Date.now(), by: SETUP })])
    }
    const run = { ...urls, keys: Object.fromEntries(keys) as RunFile['keys'] }
    writeFileSync(join(dir, 'run.json'), `${JSON.stringify(run, null, 2)}\n`, { mode: OWNER_ONLY })
    return run
  } finally {
    await mongo.close()
  }
}
