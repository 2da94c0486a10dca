import Table from 'cli-table3'
import { toIso } from '#core/instant.ts'
import { DriftLog } from '#drivers/mongo/drift-log.ts'
import { withEngines } from '../engines.ts'
import { readTarget } from '../target.ts'
import { workspaceOf } from '../workspace-of.ts'

const SHOWN_MAX = 100

/** `tallygate drift`: where the product's own counts differed from ours, newest first. */
export async function driftCommand(options: {
  readonly workspace?: string
  readonly json?: boolean
}): Promise<void> {
  const workspace = workspaceOf(options.workspace)
  const read = await withEngines(readTarget(process.env), ({ mongo }) =>
    new DriftLog(mongo.db).newest(workspace, SHOWN_MAX + 1),
  )
  const found = read.slice(0, SHOWN_MAX)
  const hasMore = read.length > SHOWN_MAX
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ drifts: found, hasMore })}\n`)
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
  const older = hasMore ? `\nthe newest ${SHOWN_MAX}; --workspace shows those of one workspace` : ''
  process.stdout.write(
    found.length === 0 ? 'no count of the product differed from ours\n' : `${table.toString()}${older}\n`,
  )
}
