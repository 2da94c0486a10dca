import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import type { Instant } from '#core/instant.ts'
import { callApi } from '../call-api.ts'
import { importReader } from '../import/read-import-line.ts'
import { sendLines } from '../send-records.ts'
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
  const target = readTarget(process.env)
  const catalogue = await readCatalogue(target)
  const reader = importReader({ catalogue, source: options.source, takenAt, now: Date.now() })
  const { sent, refused, records, seconds } = await sendLines(target, file, reader)
  const perSecond = Math.round(sent / seconds)
  const took = `in ${seconds.toFixed(1)} s, ${perSecond} a second`
  const text =
    options.json === true
      ? JSON.stringify({ sent, refused, records, seconds, perSecond })
      : `${sent} workspaces sent as ${records} records, ${refused} refused; ${took}`
  process.stdout.write(`${text}\n`)
  if (refused > 0) process.exitCode = exitCodes.denied
}

function instantOf(text: string): Instant {
  const instant = Date.parse(text)
  if (!Number.isNaN(instant)) return instant
  throw new CommandError('--taken-at must be a time such as 2026-06-01T12:00:00Z', exitCodes.usage)
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
