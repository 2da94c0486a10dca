import type { NotedDecision } from '#core/decisions/decision-count.ts'
import { isDenial } from '#core/decisions/decision-count.ts'
import type { ApiContext } from './context.ts'

/** Notes every decision that is given out, in the metrics and in the decision log. */
export function decisionCounter({
  metrics,
  noteDecision,
}: Pick<ApiContext, 'metrics' | 'noteDecision'>): (decision: NotedDecision) => void {
  return (decision) => {
    const { feature, reason, allowed } = decision
    noteDecision(decision)
    metrics.decisions.note(decision)
    if (allowed && isDenial(decision)) metrics.shadowDenials.inc({ feature, reason })
  }
}
