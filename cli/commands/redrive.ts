import Table from 'cli-table3'
import { deadLetterCodes } from '#core/errors.ts'
import { parseInstant } from '#core/instant.ts'
import { cliActor } from '../actor.ts'
import { withEngines } from '../engines.ts'
import { type RedriveReport, redriveLetters } from '../redrive/redrive-letters.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

interface RedriveOptions {
  readonly workspace?: string
  readonly code?: string
  readonly topic?: string
  readonly from?: string
  readonly to?: string
  readonly countsToo?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** `tallygate redrive`: shows the dead letters that are meant, and with `--yes` sends their records again. */
export async function redriveCommand(options: RedriveOptions): Promise<void> {
  const filter = {
    workspace: options.workspace ?? null,
    code: codeOf(options.code),
    topic: options.topic ?? null,
    from: instantOf('--from', options.from) ?? 0,
    to: instantOf('--to', options.to) ?? Number.POSITIVE_INFINITY,
  }
  const target = readTarget(process.env)
  const isDryRun = options.yes !== true
  const input = {
    registry: target.registry,
    filter,
    countsToo: options.countsToo === true,
    isDryRun,
    onSelected: (selected: readonly RedriveReport[]) => void process.stderr.write(warningOf(selected)),
    now: Date.now(),
    by: cliActor(),
  }
  const report = await withEngines(target, (engines) => redriveLetters(engines, input))
  const text = options.json === true ? JSON.stringify({ isDryRun, codes: report }) : textOf(report, isDryRun)
  process.stdout.write(`${text}\n`)
  if (report.some(({ refusedAgain }) => (refusedAgain ?? 0) > 0)) process.exitCode = exitCodes.denied
}

/** A word that no letter has would find none, as if there was nothing to mend. */
function codeOf(code: string | undefined): string | null {
  if (code === undefined || deadLetterCodes.some((known) => known === code)) return code ?? null
  throw new CommandError(
    `there is no code "${code}"; known are ${deadLetterCodes.join(', ')}`,
    exitCodes.usage,
  )
}

function instantOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const instant = parseInstant(text)
  if (instant !== null) return instant
  throw new CommandError(
    `${option} must be a time that exists, such as 2026-06-01 or 2026-06-01T12:00:00Z`,
    exitCodes.usage,
  )
}

function textOf(report: readonly RedriveReport[], isDryRun: boolean): string {
  if (report.length === 0) return 'no dead letter matches'
  const left = ['sent before', 'too large', 'states a count']
  const table = new Table({
    head: ['code', 'found', ...left, isDryRun ? 'would be sent' : 'sent', 'refused again'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { code, found, sentBefore, cut, statesCount, sent, refusedAgain } of report) {
    const shown = isDryRun ? found - sentBefore - cut - statesCount : sent
    const again = refusedAgain ?? (isDryRun || sent === 0 ? '–' : 'not known yet')
    table.push([code, found, sentBefore, cut, statesCount, shown, again])
  }
  const last = isDryRun ? `\n${warningOf(report)}nothing was sent; add --yes to send them again` : ''
  return `${table.toString()}${last}`
}

/** A line about records whose first copies nobody remembers; nothing where there are none. */
function warningOf(report: readonly RedriveReport[]): string {
  const count = report.reduce((sum, { mayCountAgain }) => sum + mayCountAgain, 0)
  if (count === 0) return ''
  return `too_late: ${count} happened more than 72 hours ago; each that had been sent before, and was counted, counts again: ask who sent them\n`
}
