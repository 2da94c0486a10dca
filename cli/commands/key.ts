import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, scopes } from '#core/api-key.ts'
import { DAY_MS } from '#core/instant.ts'
import { isWorkspaceId } from '#core/usage/usage-event.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { KeyStore } from '#drivers/mongo/key-store.ts'
import { CommandError, exitCodes, readTarget, type Target } from '../target.ts'

interface CreateOptions {
  readonly scope: readonly string[]
  readonly workspace?: readonly string[]
  readonly label: string
  readonly days?: string
  readonly json?: boolean
}

/** `tallygate key create`: prints the key once; only its hash is stored. */
export async function createKeyCommand(options: CreateOptions): Promise<void> {
  const wanted = options.scope.map(scopeOf)
  const bad = (options.workspace ?? []).find((workspace) => !isWorkspaceId(workspace))
  if (bad !== undefined) throw new CommandError(`"${bad}" is not a workspace id`, exitCodes.usage)
  const now = Date.now()
  const expiresAt = options.days === undefined ? null : now + Number(options.days) * DAY_MS
  if (Number.isNaN(expiresAt)) throw new CommandError('--days must be a number', exitCodes.usage)
  const workspaces = options.workspace ?? '*'
  const key = await withKeys((store) =>
    store.create({ scopes: wanted, workspaces, label: options.label, expiresAt }, now),
  )
  const shown = options.json === true ? JSON.stringify({ key, scopes: wanted, workspaces, expiresAt }) : key
  process.stdout.write(`${shown}\n`)
}

/** `tallygate key revoke`: ends a key; the API stops taking it within 5 s. */
export async function revokeKeyCommand(given: string, options: { readonly json?: boolean }): Promise<void> {
  const id = /^(?:tg_live_)?([A-Za-z0-9]{8})(?:_.*)?$/.exec(given)?.[1]
  if (id === undefined)
    throw new CommandError('a key id is the eight characters after tg_live_', exitCodes.usage)
  const revoked = await withKeys((store) => store.revoke(id, Date.now()))
  if (!revoked) throw new CommandError(`there is no key ${id}`, exitCodes.usage)
  process.stdout.write(options.json === true ? `${JSON.stringify({ id, revoked })}\n` : `revoked ${id}\n`)
}

function scopeOf(text: string): Scope {
  const scope = scopes.find((known) => known === text)
  if (scope !== undefined) return scope
  throw new CommandError(`there is no scope "${text}"; known are ${scopes.join(', ')}`, exitCodes.usage)
}

async function withKeys<Value>(use: (store: KeyStore) => Promise<Value>): Promise<Value> {
  const target = readTarget(process.env)
  const mongo = await connectMongo(target.mongo).catch((error: unknown) => {
    throw new CommandError('MongoDB does not answer; is it up? (make up)', exitCodes.unavailable, error)
  })
  try {
    return await use(new KeyStore(mongo.db, pepperOf(target)))
  } finally {
    await mongo.close()
  }
}

function pepperOf({ runDir }: Target): string {
  const given = process.env['TALLYGATE_KEY_PEPPER']
  if (given !== undefined) return given
  const file = join(runDir, 'pepper')
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  throw new CommandError(
    'set TALLYGATE_KEY_PEPPER to the pepper that the API runs with',
    exitCodes.unavailable,
  )
}
