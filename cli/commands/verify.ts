import Table from 'cli-table3'
import { withEngines } from '../engines.ts'
import { readTarget } from '../target.ts'
import { exitCodeOf, isUnexplained } from '../verify/exit-code-of.ts'
import { type Recounted, recountLog } from '../verify/recount-log.ts'
import { workspaceOf } from '../workspace-of.ts'

interface VerifyOptions {
  readonly workspace?: string
  readonly trustAppendTime: boolean
  readonly json?: boolean
}

/** Differences that are printed as a table; `--json` prints all. */
const SHOWN_MAX = 50

/** `tallygate verify`: counts anew from the log while all is running; exits 1 when a counter differs for which late copies are no reason. */
export async function verifyCommand(options: VerifyOptions): Promise<void> {
  const workspace = workspaceOf(options.workspace)
  const target = readTarget(process.env)
  const found = await withEngines(target, (engines) =>
    recountLog(engines, {
      registry: target.registry,
      workspace,
      trustAppendTimeHeader: options.trustAppendTime,
    }),
  )
  process.stdout.write(`${options.json === true ? JSON.stringify(found) : textOf(found)}\n`)
  process.exitCode = exitCodeOf(found)
}

function textOf({ workspaces, records, differences, lateCopies, rebuilding, cut }: Recounted): string {
  const late = differences.length - differences.filter(isUnexplained).length
  const ofThem = late === 0 ? '' : `, ${late} of them perhaps by copies that came late`
  const lines = [
    `${workspaces} workspaces, ${records} records: ${differences.length} counters differ${ofThem}`,
  ]
  if (differences.length > 0) lines.push(tableOf(differences))
  if (differences.length > SHOWN_MAX)
    lines.push(`… and ${differences.length - SHOWN_MAX} more; --json prints all`)
  for (const [workspace, copies] of Object.entries(lateCopies))
    lines.push(
      `${workspace}: ${copies} copies came more than 72 hours after the one before; each may have counted again`,
    )
  if (rebuilding.length > 0)
    lines.push(`not compared, being rebuilt: shard ${rebuilding.join(', ')}; run verify again in a minute`)
  if (cut.length > 0) {
    lines.push(
      `the log of partition ${cut.join(', ')} begins after the last snapshot: older use could not be recounted`,
    )
  }
  return lines.join('\n')
}

function tableOf(differences: Recounted['differences']): string {
  const table = new Table({
    head: ['workspace', 'counter', 'counted', 'the log says'],
    colAligns: ['left', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { workspace, counter, counted, recounted } of differences.slice(0, SHOWN_MAX)) {
    table.push([workspace, counter, counted, recounted])
  }
  return table.toString()
}
