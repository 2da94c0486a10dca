import { explainPage } from '../explain-page.ts'
import { exitCodes } from '../target.ts'
import { type AskOptions, askDecision } from './check.ts'

/** `tallygate explain`: the whole reasoning as plain text, fit to be pasted into a mail. */
export async function explainCommand(workspace: string, feature: string, options: AskOptions): Promise<void> {
  const decision = await askDecision({ workspace, feature, options, explain: true })
  const text =
    options.json === true
      ? JSON.stringify(decision, null, 2)
      : explainPage({ workspace, feature, options, decision })
  process.stdout.write(`${text}\n`)
  process.exitCode = decision.allowed ? exitCodes.fine : exitCodes.denied
}
