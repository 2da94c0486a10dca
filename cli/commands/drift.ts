import Table from 'cli-table3'
import { toIso } from '#core/instant.ts'
import { DriftLog } from '#drivers/mongo/drift-log.ts'
import { withEngines } from '../engines.ts'
import { readTarget } from '../target.ts'

const SHOWN_MAX = 100

/** `tallygate drift`: where the product's own counts differed from ours, newest first. */
export async function driftCommand(options: {
  readonly workspace?: string
  readonly json?: boolean
}): Promise<void> {
  const found = await withEngines(readTarget(process.env), ({ mongo }) =>
    new DriftLog(mongo.db).newest(options.workspace ?? null, SHOWN_MAX),
  )
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ drifts: found })}\n`)
    return
  }
  const table = new Table({
    head: ['at', 'workspace', 'meter', 'counted', 'stated'],
    colAligns: ['left', 'left', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { appendedAt, workspace, meter, counted, stated } of found) {
    table.push([toIso(appendedAt), workspace, meter, counted, stated])
  }
  process.stdout.write(
    found.length === 0 ? 'no count of the product differed from ours\n' : `${table.toString()}\n`,
  )
}
