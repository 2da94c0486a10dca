import Table from 'cli-table3'
import { type Scope, scopes } from '#core/api-key.ts'
import { DAY_MS, HOUR_MS, type Instant, isDatable, toIso } from '#core/instant.ts'
import { isWorkspaceId } from '#core/usage/usage-event.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { KeyStore, type KeyWish, type ListedKey } from '#drivers/mongo/key-store.ts'
import { cliActor } from '../actor.ts'
import { pepperOf } from '../pepper.ts'
import { CommandError, exitCodes, readTarget, type Target } from '../target.ts'

interface CreateOptions {
  readonly scope: readonly string[]
  readonly workspace?: readonly string[]
  readonly label: string
  readonly days?: string
  readonly json?: boolean
}

interface RotateOptions {
  readonly overlap: string
  readonly days?: string
  readonly json?: boolean
}

/** `tallygate key create`: prints the key once; only its hash is stored. */
export async function createKeyCommand(options: CreateOptions): Promise<void> {
  const wanted = options.scope.map(scopeOf)
  const bad = (options.workspace ?? []).find((workspace) => !isWorkspaceId(workspace))
  if (bad !== undefined) throw new CommandError(`"${bad}" is not a workspace id`, exitCodes.usage)
  const at = Date.now()
  const { days } = options
  const expiresAt = daysFrom(at, days) ?? null
  const workspaces: KeyWish['workspaces'] = options.workspace ?? '*'
  const wish: KeyWish = { scopes: wanted, workspaces, label: options.label, expiresAt }
  const key = await withKeys((store) => store.create(wish, { at, by: cliActor() }), pepperOf)
  print(options, { key, scopes: wanted, workspaces, expiresAt }, key)
}

/** `tallygate key list`: every key there ever was, without its secret. */
export async function listKeysCommand(options: { readonly json?: boolean }): Promise<void> {
  const keys = await withKeys((store) => store.list())
  const table = new Table({
    head: ['id', 'label', 'scopes', 'workspaces', 'made', 'state'],
    style: { head: [], border: [], compact: true },
  })
  for (const { id, label, scopes: own, workspaces, createdAt, expiresAt, revokedAt } of keys) {
    const touched = workspaces === '*' ? 'all' : workspaces.join(' ')
    table.push([id, label, own.join(' '), touched, toIso(createdAt), stateOf({ expiresAt, revokedAt })])
  }
  print(options, { keys }, keys.length === 0 ? 'there is no key' : table.toString())
}

/** `tallygate key rotate`: a new key that may do the same; the old one goes on for the overlap. */
export async function rotateKeyCommand(given: string, options: RotateOptions): Promise<void> {
  const id = keyIdOf(given)
  const at = Date.now()
  const endsAt = endOf(at, { option: '--overlap', text: options.overlap, unitMs: HOUR_MS })
  const expiresAt = daysFrom(at, options.days)
  const ends = expiresAt === undefined ? { endsAt } : { endsAt, expiresAt }
  const rotated = await withKeys((store) => store.rotate(id, ends, { at, by: cliActor() }), pepperOf)
  if (rotated === null) {
    throw new CommandError(`there is no key ${id} in force; make one: tallygate key create`, exitCodes.usage)
  }
  const until = toIso(rotated.replacedUntil)
  const own = rotated.expiresAt === null || !isDatable(rotated.expiresAt) ? null : toIso(rotated.expiresAt)
  const text = [
    rotated.key,
    `${id} goes on until ${until}`,
    ...(own === null ? [] : [`the new key ends ${own}`]),
  ]
  print(options, { key: rotated.key, expiresAt: own, replaces: id, endsAt: until }, text.join('\n'))
}

function daysFrom(at: Instant, days: string | undefined): Instant | undefined {
  return days === undefined ? undefined : endOf(at, { option: '--days', text: days, unitMs: DAY_MS })
}

/** `tallygate key revoke`: ends a key; the API stops taking it within 5 s. */
export async function revokeKeyCommand(given: string, options: { readonly json?: boolean }): Promise<void> {
  const id = keyIdOf(given)
  const at = Date.now()
  const revoked = await withKeys((store) => store.revoke(id, at, { at, by: cliActor() }))
  if (!revoked) throw new CommandError(`there is no key ${id}`, exitCodes.usage)
  print(options, { id, revoked }, `revoked ${id}`)
}

function stateOf({ expiresAt, revokedAt }: Pick<ListedKey, 'expiresAt' | 'revokedAt'>): string {
  const ends = [revokedAt, expiresAt].filter((instant) => instant !== null)
  if (ends.length === 0) return 'valid'
  const end = Math.min(...ends)
  return `${end <= Date.now() ? 'ended' : 'ends'} ${dateOf(end)}`
}

/** When a key ends, whatever is stored: one that cannot be listed would hide all others. */
function dateOf(end: Instant): string {
  if (isDatable(end)) return toIso(end)
  return end < 0 ? 'before 1970' : 'after the year 9999'
}

function keyIdOf(given: string): string {
  const id = /^(?:tg_live_)?([A-Za-z0-9]{8})(?:_.*)?$/.exec(given)?.[1]
  if (id !== undefined) return id
  throw new CommandError('a key id is the eight characters after tg_live_', exitCodes.usage)
}

interface Duration {
  readonly option: string
  readonly text: string
  readonly unitMs: number
}

/** The end of a duration. Throws for one that no date names. */
function endOf(at: Instant, { option, text, unitMs }: Duration): Instant {
  const end = Math.round(at + numberOf(option, text) * unitMs)
  if (isDatable(end)) return end
  throw new CommandError(`${option} ${text} ends after the year 9999; give a smaller number`, exitCodes.usage)
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && Number.isFinite(number)) return number
  throw new CommandError(`${option} must be a number from 0 on, not "${text}"`, exitCodes.usage)
}

function print(options: { readonly json?: boolean }, value: object, text: string): void {
  process.stdout.write(`${options.json === true ? JSON.stringify(value) : text}\n`)
}

function scopeOf(text: string): Scope {
  const scope = scopes.find((known) => known === text)
  if (scope !== undefined) return scope
  throw new CommandError(`there is no scope "${text}"; known are ${scopes.join(', ')}`, exitCodes.usage)
}

/** Without a pepper where no key is made. */
async function withKeys<Value>(
  use: (store: KeyStore) => Promise<Value>,
  pepperFor: (target: Target, env: NodeJS.ProcessEnv) => string = () => '',
): Promise<Value> {
  const target = readTarget(process.env)
  const pepper = pepperFor(target, process.env)
  const mongo = await connectMongo(target.mongo).catch((error: unknown) => {
    throw new CommandError('MongoDB does not answer; is it up? (make up)', exitCodes.unavailable, error)
  })
  try {
    return await use(new KeyStore(mongo.db, pepper))
  } finally {
    await mongo.close()
  }
}
