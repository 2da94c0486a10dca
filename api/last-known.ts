import type { Verdict } from '#core/entitlement/decision.ts'
import type { LastKnown } from '#core/operations/check.ts'

const REMEMBERED_MAX = 100_000

/**
 * Remembers the last verdict for each feature of a workspace and what was to be done with it, up to a bound.
 *
 * That something may be read says nothing of adding. Whoever may add may also use and read, so there an answer about
 * adding serves where none about itself was given.
 */
export function rememberVerdicts(): LastKnown {
  const verdicts = new Map<string, Verdict>()
  return {
    get: (workspace, feature, intent) =>
      verdicts.get(`${workspace} ${feature} ${intent}`) ??
      verdicts.get(`${workspace} ${feature} add`) ??
      null,
    set: (verdict, intent) => {
      if (verdicts.size >= REMEMBERED_MAX) verdicts.clear()
      verdicts.set(`${verdict.workspace} ${verdict.feature} ${intent}`, verdict)
    },
  }
}
