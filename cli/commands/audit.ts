import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import Table from 'cli-table3'
import type { BulkRecord, KeyRecord, RebaseRecord } from '#core/audit/audit-entry.ts'
import { type AuditEntry, auditTrail } from '#core/audit/audit-trail.ts'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { compareCatalogues } from '#core/catalogue/compare-catalogues.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { toIso } from '#core/instant.ts'
import { systemClock } from '#drivers/clock.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { connectMongo, type MongoConnection } from '#drivers/mongo/connect.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { checkKeys } from '#drivers/mongo/key-check.ts'
import { RulesHistory } from '#drivers/rules-history.ts'
import { parseObject } from '../parse-object.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'
import { workspaceOf } from '../workspace-of.ts'

interface AuditOptions {
  readonly workspace?: string
  readonly json?: boolean
}

/** `tallygate audit list`: who changed what, newest first. */
export async function listAuditCommand(options: AuditOptions): Promise<void> {
  const workspace = workspaceOf(options.workspace)
  const entries = await withMongo((mongo) =>
    workspace === null ? readOperations(mongo) : readTrail(mongo, workspace),
  )
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ entries })}\n`)
    return
  }
  const table = new Table({
    head: ['at', 'who', 'what', 'of', 'why', 'before', 'after'],
    style: { head: [], border: [], compact: true },
  })
  for (const { at, by, action, subject, reason, before, after } of entries) {
    table.push([toIso(at), `${by.kind} ${by.id}`, action, subject, reason ?? '', short(before), short(after)])
  }
  process.stdout.write(entries.length === 0 ? 'nothing was changed\n' : `${table.toString()}\n`)
}

/** As much of a state as a column takes; all of it stands in the JSON. */
function short(state: unknown): string {
  const text = state === null || state === undefined ? '' : JSON.stringify(state)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

interface VerifyOptions extends AuditOptions {
  /** File with the last hashes of an earlier check. */
  readonly heads?: string
}

/**
 * `tallygate audit verify`: exits 1 when a chain is broken or keys differ from their chain, naming each place.
 *
 * With `--heads` also when the last entry of an earlier check is gone; the file is then left as it is, else it is
 * written anew. Keep it where whoever could alter MongoDB cannot.
 */
export async function verifyAuditCommand(options: VerifyOptions): Promise<void> {
  const workspace = workspaceOf(options.workspace)
  const kept = options.heads === undefined ? {} : readHeads(options.heads)
  const checked = await withMongo(async ({ db }) => {
    const [chains, keys] = await Promise.all([
      new AuditLog(db).check(workspace, kept),
      workspace === null ? checkKeys(db) : [],
    ])
    return { ...chains, broken: [...chains.broken, ...keys] }
  })
  const { chains, entries, broken, heads } = checked
  const lines = [
    `${entries} entries in ${chains} chains, ${broken.length} faults`,
    ...broken.map(({ entry, problem }) => `${entry}: ${problem}`),
  ]
  process.stdout.write(`${options.json === true ? JSON.stringify(checked) : lines.join('\n')}\n`)
  if (broken.length > 0) process.exitCode = exitCodes.denied
  else if (options.heads !== undefined)
    writeFileSync(options.heads, `${JSON.stringify({ ...kept, ...heads }, null, 1)}\n`, { mode: 0o600 })
}

function readHeads(file: string): Readonly<Record<string, string>> {
  if (!existsSync(file)) return {}
  const heads = parseObject(readFileSync(file, 'utf8'))
  if (heads === null || !Object.values(heads).every((hash) => typeof hash === 'string'))
    throw new CommandError(`${file} is not what audit verify --heads writes`, exitCodes.usage)
  return Object.fromEntries(Object.entries(heads).map(([chain, hash]) => [chain, String(hash)]))
}

interface Listed extends Pick<AuditEntry, 'at' | 'by' | 'action' | 'subject' | 'reason'> {
  readonly before: unknown
  readonly after: unknown
}

async function readTrail({ db }: MongoConnection, workspace: string): Promise<readonly Listed[]> {
  const source = new FactsSource(db)
  const [{ overrides, versions }, corrections] = await Promise.all([
    source.read(workspace),
    new AuditLog(db).corrections(workspace),
  ])
  if (overrides.length === 0 && corrections.length === 0 && versions.length === 0)
    throw new CommandError(`there is no workspace "${workspace}"`, exitCodes.usage)
  const catalogues = { remembered: () => ({ revision: 0 }) }
  const rules = new RulesHistory({ log: new CatalogueLog(db), catalogues, now: systemClock })
  const trail = auditTrail({ overrides, corrections, versions }, await rules.judging(versions))
  return trail
    .map(({ name: _, change: { before, after }, ...entry }) => ({ ...entry, before, after }))
    .toReversed()
}

async function readOperations({ db }: MongoConnection): Promise<readonly Listed[]> {
  const audit = new AuditLog(db)
  const [keys, rebases, bulk, revisions] = await Promise.all([
    audit.keys(),
    audit.rebases(),
    audit.bulk(),
    new CatalogueLog(db).revisions(),
  ])
  const catalogues = revisions.map((stored, index) => ofRevision(stored, revisions[index - 1]))
  const entries = [...keys.map(ofKey), ...rebases.map(ofRebase), ...bulk.map(ofBulk), ...catalogues]
  return entries.sort((a, b) => b.at - a.at)
}

function ofKey({ at, by, action, key, before, after }: KeyRecord): Listed {
  return { at, by, action, subject: key, reason: null, before, after }
}

function ofBulk({ at, by, action, subject, details }: BulkRecord): Listed {
  return { at, by, action, subject, reason: null, before: null, after: details }
}

/** What a revision changed, by name: its whole text stands in `GET /v1/catalogue` and in MongoDB. */
function ofRevision(
  { revision, storedAt, storedBy, source }: StoredCatalogue,
  previous: StoredCatalogue | undefined,
): Listed {
  const [was, is] = [previous, { revision, source }].map((one) =>
    one === undefined ? null : parseCatalogue(one.source, one.revision),
  )
  const changes = was?.ok === true && is?.ok === true ? compareCatalogues(was.catalogue, is.catalogue) : null
  return {
    at: storedAt,
    by: storedBy,
    action: 'catalogue_stored',
    subject: `revision ${revision}`,
    reason: null,
    before: previous === undefined ? null : { revision: previous.revision },
    after: { revision, changes },
  }
}

function ofRebase({ at, by, action, partition, counted, low, high }: RebaseRecord): Listed {
  const reason = `counted up to ${counted}, the log now is ${low} to ${high}`
  const subject = `partition ${partition}`
  return { at, by, action, subject, reason, before: { counted }, after: { low, high } }
}

async function withMongo<Value>(use: (mongo: MongoConnection) => Promise<Value>): Promise<Value> {
  const mongo = await connectMongo(readTarget(process.env).mongo).catch((error: unknown) => {
    throw new CommandError('MongoDB does not answer; is it up? (make up)', exitCodes.unavailable, error)
  })
  return use(mongo).finally(() => mongo.close())
}
