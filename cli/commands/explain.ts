import { exitCodes } from '../target.ts'
import { type AskOptions, askDecision, type ShownDecision, wayOut } from './check.ts'

/** `tallygate explain`: the whole reasoning as plain text, fit to be pasted into a mail. */
export async function explainCommand(workspace: string, feature: string, options: AskOptions): Promise<void> {
  const decision = await askDecision({ workspace, feature, options, explain: true })
  const text =
    options.json === true
      ? JSON.stringify(decision, null, 2)
      : page({ workspace, feature, options, decision })
  process.stdout.write(`${text}\n`)
  process.exitCode = decision.allowed ? exitCodes.fine : exitCodes.denied
}

interface PageInput {
  readonly workspace: string
  readonly feature: string
  readonly options: AskOptions
  readonly decision: ShownDecision
}

function page({ workspace, feature, options, decision }: PageInput): string {
  const { allowed, reason, plan, planVersion, status, overLimit, unblock, trace, asOf, exact, degraded } =
    decision
  const question = `May ${workspace} ${options.intent} ${options.quantity} ${feature}${options.subject === undefined ? '' : ` (${options.subject})`}?`
  const accuracy = degraded
    ? 'given by policy: counts could not be had'
    : exact
      ? 'exact'
      : options.at === undefined
        ? 'not exact: counting lags behind'
        : 'not exact: from history'
  const sections = [
    question,
    `${allowed ? 'Yes' : 'No'}: ${reason.replaceAll('_', ' ')}`,
    '',
    `Subscription  ${status}${plan === null ? '' : `, plan ${plan} (version ${planVersion ?? '?'})`}`,
    'Reasoning',
    ...(trace ?? []).map(
      ({ step, detail }, index) => `  ${index + 1}. ${step.replaceAll('_', ' ').padEnd(9)} ${detail}`,
    ),
  ]
  if (overLimit !== null) {
    sections.push(
      `Over the limit since ${overLimit.since ?? 'now'}; tolerated until ${overLimit.graceEndsAt ?? 'a day from then'}`,
    )
  }
  if (unblock.length > 0) sections.push('What would help', ...unblock.map((way) => `  - ${wayOut(way)}`))
  sections.push(`As of ${asOf ?? 'unknown'} (${accuracy})`)
  return sections.join('\n')
}
