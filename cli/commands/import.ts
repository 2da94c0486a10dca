import { createHash, type Hash } from 'node:crypto'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { type Instant, parseInstant } from '#core/instant.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { cliActor } from '../actor.ts'
import { callApi } from '../call-api.ts'
import { importReader } from '../import/read-import-line.ts'
import { requireFile, type SentLines, sendLines } from '../send-records.ts'
import { CommandError, exitCodes, readTarget, type Target } from '../target.ts'

interface ImportOptions {
  readonly source: string
  readonly takenAt?: string
  readonly json?: boolean
}

/**
 * `tallygate import`: the counts that workspaces have already, one line each, become what is counted here.
 *
 * Running a file again within 72 hours changes nothing, so what was cut off is begun anew. Exits 1 when a line was refused.
 */
export async function importCommand(file: string | undefined, options: ImportOptions): Promise<void> {
  const takenAt = options.takenAt === undefined ? null : instantOf(options.takenAt)
  requireFile(file)
  const target = readTarget(process.env)
  const catalogue = await readCatalogue(target)
  const reader = importReader({ catalogue, source: options.source, takenAt, now: Date.now() })
  const hash = createHash('sha256')
  const { sent, refused, records, seconds } = await audited(target, { file, options, hash }, () =>
    sendLines(target, file, (line) => {
      hash.update(`${line}\n`)
      return reader(line)
    }),
  )
  const perSecond = Math.round(sent / seconds)
  const took = `in ${seconds.toFixed(1)} s, ${perSecond} a second`
  const text =
    options.json === true
      ? JSON.stringify({ sent, refused, records, seconds, perSecond })
      : `${sent} workspaces sent as ${records} records, ${refused} refused; ${took}`
  process.stdout.write(`${text}\n`)
  if (refused > 0) process.exitCode = exitCodes.denied
}

interface Import {
  readonly file: string | undefined
  readonly options: ImportOptions
  readonly hash: Hash
}

/** Records who imports what before anything is sent, and what came of it. Throws when the record cannot be stored. */
async function audited(
  { mongo: url }: Target,
  { file, options, hash }: Import,
  send: () => Promise<SentLines>,
): Promise<SentLines> {
  const mongo = await connectMongo(url).catch((error: unknown) => {
    throw new CommandError(
      'MongoDB does not answer; an import is recorded there',
      exitCodes.unavailable,
      error,
    )
  })
  try {
    const audit = new AuditLog(mongo.db)
    const [by, subject] = [cliActor(), file ?? 'standard input']
    const { source, takenAt = null } = options
    await audit.appendBulk({
      action: 'import_begun',
      at: Date.now(),
      by,
      subject,
      details: { source, takenAt },
    })
    const sent = await send()
    const details = { ...sent, sha256: hash.digest('hex') }
    await audit.appendBulk({ action: 'import_ended', at: Date.now(), by, subject, details })
    return sent
  } finally {
    await mongo.close()
  }
}

function instantOf(text: string): Instant {
  const instant = parseInstant(text)
  if (instant !== null) return instant
  throw new CommandError(
    '--taken-at must be a time that exists, such as 2026-06-01T12:00:00Z',
    exitCodes.usage,
  )
}

/** The catalogue in force, which says what the meters are. */
async function readCatalogue({ api, keys }: Target): Promise<Catalogue> {
  const { catalogue, revision } = await callApi({ api, key: keys.read, path: '/v1/catalogue' })
  const parsed = parseCatalogue(catalogue, Number(revision))
  if (parsed.ok) return parsed.catalogue
  throw new CommandError(
    `this version cannot read revision ${revision} of the catalogue; use the version that stored it`,
    exitCodes.unavailable,
  )
}
