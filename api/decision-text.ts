import type { Decision, Verdict } from '#core/entitlement/decision.ts'
import type { StandingNow } from '#core/ports.ts'
import { isoOrNull, presentDecision } from './present.ts'

/** A verdict as JSON, before and after its accuracy. */
interface Parts {
  readonly head: string
  readonly explained: string
}

/** The accuracy of a verdict before it is given. */
const UNKNOWN = { asOf: null, lagMs: null, exact: false, degraded: false } as const

const remembered = new WeakMap<Verdict, Parts>()

/** A decision as JSON, in the order of the contract. */
export function decisionText(decision: Decision, explain: boolean): string {
  const { asOf, lagMs, exact, degraded, ...verdict } = presentDecision(decision, false)
  const accuracy = { asOf, lagMs, exact, degraded }
  return JSON.stringify({ ...verdict, ...accuracy, ...(explain ? { trace: decision.trace } : {}) })
}

/** The same of a verdict that is given out again and again: its text is made once. */
export function verdictText(verdict: Verdict, accuracy: StandingNow, explain: boolean): string {
  const { head, explained } = remembered.get(verdict) ?? remember(verdict)
  const { asOf, lagMs, exact, degraded } = accuracy
  const tail = `"asOf":"${isoOrNull(asOf)}","lagMs":${lagMs},"exact":${exact},"degraded":${degraded}`
  return explain ? `${head}${tail}${explained}` : `${head}${tail}}`
}

function remember(verdict: Verdict): Parts {
  const text = decisionText({ ...verdict, ...UNKNOWN }, false)
  const parts = {
    head: text.slice(0, text.lastIndexOf('"asOf":')),
    explained: `,"trace":${JSON.stringify(verdict.trace)}}`,
  }
  remembered.set(verdict, parts)
  return parts
}
