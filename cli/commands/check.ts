import pc from 'picocolors'
import { parseInstant, toIso } from '#core/instant.ts'
import { callApi } from '../call-api.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'
import { wayOut } from '../ways-out.ts'

/** Options of a question. */
export interface AskOptions {
  readonly quantity: string
  readonly intent: string
  readonly subject?: string
  readonly meter?: string
  /** A past instant that begins with its day, `yyyy-mm-dd`; now when left out. */
  readonly at?: string
  readonly json?: boolean
}

/** A decision as the API prints it; only what the commands show is named. */
export interface ShownDecision {
  readonly allowed: boolean
  readonly reason: string
  readonly limit: number | null
  readonly used: number
  readonly held: number
  readonly remaining: number | null
  readonly plan: string | null
  readonly planVersion: string | null
  readonly status: string
  readonly resetsAt: string | null
  readonly overLimit: { readonly since: string | null; readonly graceEndsAt: string | null } | null
  readonly unblock: readonly Readonly<Record<string, unknown>>[]
  readonly asOf: string | null
  readonly lagMs: number | null
  readonly exact: boolean
  readonly degraded: boolean
  readonly trace?: readonly { readonly step: string; readonly detail: string; readonly data?: unknown }[]
}

/** `tallygate check`: one line, and the exit code says it too. */
export async function checkCommand(workspace: string, feature: string, options: AskOptions): Promise<void> {
  const decision = await askDecision({ workspace, feature, options, explain: false })
  if (options.json === true) process.stdout.write(`${JSON.stringify(decision, null, 2)}\n`)
  else for (const line of linesOf(decision, options.at)) process.stdout.write(`${line}\n`)
  process.exitCode = decision.allowed ? exitCodes.fine : exitCodes.denied
}

interface AskInput {
  readonly workspace: string
  readonly feature: string
  readonly options: AskOptions
  readonly explain: boolean
}

/** Asks the API for a decision. */
export async function askDecision({
  workspace,
  feature,
  options,
  explain,
}: AskInput): Promise<ShownDecision> {
  const quantity = Number(options.quantity)
  if (options.quantity.trim() === '' || !Number.isInteger(quantity))
    throw new CommandError('--quantity must be a whole number', exitCodes.usage)
  const { intent, subject, meter } = options
  const at = options.at === undefined ? undefined : isoOf(options.at)
  const target = readTarget(process.env)
  const body = { workspace, feature, quantity, intent, subject, meter, at, explain }
  return (await callApi({
    api: target.api,
    key: target.keys.check,
    path: '/v1/check',
    body,
  })) as unknown as ShownDecision
}

function isoOf(text: string): string {
  const instant = parseInstant(text)
  if (instant !== null) return toIso(instant)
  throw new CommandError('--at must be a time that exists, such as 2026-11-20T14:02:00Z', exitCodes.usage)
}

function linesOf(decision: ShownDecision, at: string | undefined): readonly string[] {
  const { allowed, reason, limit, used, unblock } = decision
  const figures = limit === null ? '' : ` · used ${used} of ${limit}`
  const mark = allowed ? pc.green('allowed') : pc.red('denied')
  const ways = unblock.map(wayOut)
  const accuracy = at === undefined ? accuracyOf(decision) : ` · as of ${at}`
  return [`${mark} ${reason}${figures}${accuracy}`, ...ways.map((way) => `  would help: ${way}`)]
}

/** How exact the answer is, in a few words. */
export function accuracyOf({ exact, degraded, lagMs }: ShownDecision): string {
  if (degraded) return pc.yellow(' · degraded: by policy, not by count')
  return exact ? '' : pc.yellow(` · as of ${lagMs ?? '?'} ms ago`)
}
