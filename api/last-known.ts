import type { Verdict } from '#core/entitlement/decision.ts'
import type { LastKnown } from '#core/operations/check.ts'

const REMEMBERED_MAX = 100_000

/** Remembers the last verdict for each feature of a workspace, up to a bound. */
export function rememberVerdicts(): LastKnown {
  const verdicts = new Map<string, Verdict>()
  return {
    get: (workspace, feature) => verdicts.get(`${workspace} ${feature}`) ?? null,
    set: (verdict) => {
      if (verdicts.size >= REMEMBERED_MAX) verdicts.clear()
      verdicts.set(`${verdict.workspace} ${verdict.feature}`, verdict)
    },
  }
}
