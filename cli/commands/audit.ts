import Table from 'cli-table3'
import type { KeyRecord, RebaseRecord } from '#core/audit/audit-entry.ts'
import { type AuditEntry, auditTrail } from '#core/audit/audit-trail.ts'
import { toIso } from '#core/instant.ts'
import { isWorkspaceId } from '#core/usage/usage-event.ts'
import { systemClock } from '#drivers/clock.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { connectMongo, type MongoConnection } from '#drivers/mongo/connect.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { RulesHistory } from '#drivers/rules-history.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

interface AuditOptions {
  readonly workspace?: string
  readonly json?: boolean
}

/** `tallygate audit list`: who changed what, newest first. */
export async function listAuditCommand(options: AuditOptions): Promise<void> {
  const workspace = workspaceOf(options)
  const entries = await withMongo((mongo) =>
    workspace === null ? readOperations(mongo) : readTrail(mongo, workspace),
  )
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ entries })}\n`)
    return
  }
  const table = new Table({
    head: ['at', 'who', 'what', 'of', 'why'],
    style: { head: [], border: [], compact: true },
  })
  for (const { at, by, action, subject, reason } of entries) {
    table.push([toIso(at), `${by.kind} ${by.id}`, action, subject, reason ?? ''])
  }
  process.stdout.write(entries.length === 0 ? 'nothing was changed\n' : `${table.toString()}\n`)
}

/** `tallygate audit verify`: exits 1 when a chain is broken, naming its first broken entry. */
export async function verifyAuditCommand(options: AuditOptions): Promise<void> {
  const workspace = workspaceOf(options)
  const checked = await withMongo((mongo) => new AuditLog(mongo.db).check(workspace))
  const { chains, entries, broken } = checked
  const lines = [
    `${entries} entries in ${chains} chains, ${broken.length} chains broken`,
    ...broken.map(({ entry, problem }) => `${entry}: ${problem}`),
  ]
  process.stdout.write(`${options.json === true ? JSON.stringify(checked) : lines.join('\n')}\n`)
  if (broken.length > 0) process.exitCode = exitCodes.denied
}

type Listed = Pick<AuditEntry, 'at' | 'by' | 'action' | 'subject' | 'reason'>

async function readTrail({ db }: MongoConnection, workspace: string): Promise<readonly Listed[]> {
  const source = new FactsSource(db)
  const { overrides, versions } = await source.read(workspace)
  if (overrides.length === 0 && versions.length === 0)
    throw new CommandError(`there is no workspace "${workspace}"`, exitCodes.usage)
  const catalogues = { remembered: () => ({ revision: 0 }) }
  const rules = new RulesHistory({ log: new CatalogueLog(db), catalogues, now: systemClock })
  return auditTrail({ overrides, versions }, await rules.judging(versions)).toReversed()
}

async function readOperations({ db }: MongoConnection): Promise<readonly Listed[]> {
  const audit = new AuditLog(db)
  const [keys, rebases, revisions] = await Promise.all([
    audit.keys(),
    audit.rebases(),
    new CatalogueLog(db).revisions(),
  ])
  const catalogues = revisions.map(({ revision, storedAt, storedBy }): Listed => {
    const subject = `revision ${revision}`
    return { at: storedAt, by: storedBy, action: 'catalogue_stored', subject, reason: null }
  })
  const entries = [...keys.map(ofKey), ...rebases.map(ofRebase), ...catalogues]
  return entries.sort((a, b) => b.at - a.at)
}

function ofKey({ at, by, action, key }: KeyRecord): Listed {
  return { at, by, action, subject: key, reason: null }
}

function ofRebase({ at, by, action, partition, counted, low, high }: RebaseRecord): Listed {
  const reason = `counted up to ${counted}, the log now is ${low} to ${high}`
  return { at, by, action, subject: `partition ${partition}`, reason }
}

function workspaceOf({ workspace }: AuditOptions): string | null {
  if (workspace === undefined || isWorkspaceId(workspace)) return workspace ?? null
  throw new CommandError(`"${workspace}" is not a workspace id`, exitCodes.usage)
}

async function withMongo<Value>(use: (mongo: MongoConnection) => Promise<Value>): Promise<Value> {
  const mongo = await connectMongo(readTarget(process.env).mongo).catch((error: unknown) => {
    throw new CommandError('MongoDB does not answer; is it up? (make up)', exitCodes.unavailable, error)
  })
  return use(mongo).finally(() => mongo.close())
}
