import type { Amount } from '../amount.ts'
import { deniedReasons, type Reason, type Verdict } from '../entitlement/decision.ts'
import { type Instant, MINUTE_MS } from '../instant.ts'

/** A decision as it is counted: by policy, or from figures. */
export interface NotedDecision extends Verdict {
  readonly degraded?: boolean
}

/** The figures of one decision, enough to say later why it was made. */
export interface DecisionSample {
  readonly at: Instant
  readonly quantity: Amount
  readonly limit: Amount | null
  readonly used: Amount
  readonly held: Amount
  readonly plan: string | null
  readonly status: string
  /** The verdict as a sentence, as the trace states it. */
  readonly why: string
}

/** How often a workspace was answered the same about a feature in one minute, and the last time of it. */
export interface DecisionCount {
  readonly workspace: string
  readonly feature: string
  readonly reason: Reason
  /** True for allows, which are sampled, and for denials of a feature in shadow mode. */
  readonly allowed: boolean
  /** Beginning of the minute. */
  readonly minute: Instant
  readonly count: number
  readonly last: DecisionSample
}

/** One decision as a count of one. */
export function countOf(decision: NotedDecision, at: Instant): DecisionCount {
  const { workspace, feature, reason, allowed, quantity, limit, used, held, plan, status, trace } = decision
  const why = trace.at(-1)?.detail ?? ''
  const last = { at, quantity, limit, used, held, plan, status, why }
  return { workspace, feature, reason, allowed, minute: at - (at % MINUTE_MS), count: 1, last }
}

const denials: ReadonlySet<Reason> = new Set(deniedReasons)

/** Whether a decision names a reason to deny, carried out or not. */
export function isDenial({ reason }: Pick<Verdict, 'reason'>): boolean {
  return denials.has(reason)
}

/** What is counted together. */
export function nameOf({ workspace, feature, reason, allowed, minute }: DecisionCount): string {
  return `${workspace} ${feature} ${reason} ${allowed} ${minute}`
}

/** Two counts of the same as one: the sum, and the later sample. */
export function addCounts(a: DecisionCount, b: DecisionCount): DecisionCount {
  return { ...a, count: a.count + b.count, last: b.last.at >= a.last.at ? b.last : a.last }
}

/** Counts of several processes as one of each kind, newest minute first, then by feature and reason. */
export function mergeCounts(counts: readonly DecisionCount[]): readonly DecisionCount[] {
  const merged = new Map<string, DecisionCount>()
  for (const count of counts) {
    const before = merged.get(nameOf(count))
    merged.set(nameOf(count), before === undefined ? count : addCounts(before, count))
  }
  return [...merged.values()].sort((a, b) => b.minute - a.minute || (nameOf(a) < nameOf(b) ? -1 : 1))
}
