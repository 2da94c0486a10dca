import Table from 'cli-table3'
import { callApi } from '../call-api.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

interface UsageOptions {
  readonly from?: string
  readonly to?: string
  readonly json?: boolean
}

type Row = Readonly<Record<string, unknown>>

/** `tallygate usage`: every limit with its use, or one feature by UTC day. */
export async function usageCommand(
  workspace: string,
  feature: string | undefined,
  options: UsageOptions,
): Promise<void> {
  if (feature === undefined && (options.from ?? options.to) !== undefined) {
    throw new CommandError(
      '--from and --to are days of one feature; name it too: tallygate usage <workspace> <feature> --from …',
      exitCodes.usage,
    )
  }
  const { api, keys } = readTarget(process.env)
  const path = `/v1/workspaces/${encodeURIComponent(workspace)}`
  if (feature === undefined) {
    const answer = await callApi({ api, key: keys.check, path: `${path}/entitlements` })
    return show(answer, { options, table: limitTable(answer) })
  }
  const query = new URLSearchParams({ feature, ...pick(options) })
  const answer = await callApi({ api, key: keys.read, path: `${path}/usage?${query}` })
  return show(answer, { options, table: dayTable(answer) })
}

function pick({ from, to }: UsageOptions): Record<string, string> {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

function show(answer: Row, { options, table }: { options: UsageOptions; table: string }): void {
  process.stdout.write(`${options.json === true ? JSON.stringify(answer, null, 2) : table}\n`)
}

function limitTable(answer: Row): string {
  const table = new Table({
    head: ['feature', 'used', 'held', 'limit', 'remaining', 'resets'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rowsOf(answer, 'entitlements')) {
    const limit =
      row['kind'] === 'switch' ? onOff(row['on']) : row['unlimited'] === true ? 'unlimited' : row['limit']
    const cells = [row['feature'], row['used'], row['held'], limit, row['remaining'], row['resetsAt']]
    table.push(cells.map((cell) => String(cell ?? '')))
  }
  return `${String(answer['workspace'])}: plan ${String(answer['plan'] ?? 'none')}, ${String(answer['access'])}\n${table}`
}

function onOff(on: unknown): string {
  return on === true ? 'on' : 'off'
}

function dayTable(answer: Row): string {
  const table = new Table({
    head: ['day', String(answer['feature'])],
    colAligns: ['left', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rowsOf(answer, 'days')) table.push([String(row['day']), String(row['used'] ?? '·')])
  return `${table}\nin total now: ${String(answer['total'])}`
}

function rowsOf(answer: Row, name: string): readonly Row[] {
  const rows = answer[name]
  return Array.isArray(rows) ? rows : []
}
