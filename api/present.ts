import type { Accuracy, Decision, OverLimit, Unblock, Window } from '#core/entitlement/decision.ts'
import { cappedToDate, type Instant, toIso } from '#core/instant.ts'

/** A decision in the outside contract: times as ISO-8601 UTC, the trace only when asked for. */
export function presentDecision({ trace, ...decision }: Decision, explain: boolean) {
  return {
    ...decision,
    window: presentWindow(decision.window),
    resetsAt: isoOrNull(decision.resetsAt),
    overLimit: presentOverLimit(decision.overLimit),
    unblock: decision.unblock.map(presentUnblock),
    asOf: isoOrNull(decision.asOf),
    ...(explain ? { trace: [...trace] } : {}),
  }
}

/** A window with ISO times. */
export function presentWindow(window: Window | null) {
  return window === null ? null : { from: toIso(window.from), to: toIso(window.to) }
}

/** Accuracy with ISO times. */
export function presentAccuracy({ asOf, lagMs, exact }: Accuracy) {
  return { asOf: isoOrNull(asOf), lagMs, exact }
}

/** A time as ISO text; overrides are stored that end after the year 9999, which the contract has no text for. */
export function isoOrNull(instant: Instant | null): string | null {
  return instant === null ? null : toIso(cappedToDate(instant))
}

function presentOverLimit(overLimit: OverLimit | null) {
  if (overLimit === null) return null
  return { since: isoOrNull(overLimit.since), graceEndsAt: isoOrNull(overLimit.graceEndsAt) }
}

/** A way out of a denial with ISO times. */
export function presentUnblock(unblock: Unblock) {
  return unblock.action === 'wait_until' ? { ...unblock, at: toIso(unblock.at) } : unblock
}
