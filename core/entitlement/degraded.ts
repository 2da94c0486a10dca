import { type Amount, ZERO } from '../amount.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { AllowedReason, DeniedReason, Request, Verdict } from './decision.ts'

/** A request whose facts or counters cannot be had now. */
export interface DegradedInput {
  readonly workspace: string
  readonly featureKey: string
  readonly feature: Feature
  readonly request: Request
  readonly cause: 'unavailable' | 'rebuilding'
  /** The last verdict from real figures that says whether that may be done. */
  readonly lastKnown: Verdict | null
  /** Units of the feature that items before it were allowed to add. */
  readonly before?: Amount
}

/**
 * Answers by the feature's `onUnavailable`, never from a silent zero.
 *
 * `last_known` allows what the last figures left room for, and denies when there are none. A feature in shadow
 * mode is allowed with the reason it would be denied by.
 */
export function decideDegraded(input: DegradedInput): Verdict {
  const { workspace, featureKey, feature, request, lastKnown } = input
  const reason = reasonOf(input)
  const allowed = reason === 'degraded_allow' || feature.mode === 'shadow'
  const why = `${input.cause === 'rebuilding' ? 'counters are being rebuilt' : 'facts or counters cannot be reached'}; on_unavailable is ${feature.onUnavailable}`
  return {
    allowed,
    reason,
    workspace,
    feature: featureKey,
    quantity: request.quantity,
    limit: lastKnown?.limit ?? null,
    used: lastKnown?.used ?? ZERO,
    held: lastKnown?.held ?? ZERO,
    remaining: lastKnown?.remaining ?? null,
    unlimited: lastKnown?.unlimited ?? false,
    window: lastKnown?.window ?? null,
    resetsAt: lastKnown?.resetsAt ?? null,
    plan: lastKnown?.plan ?? null,
    planVersion: lastKnown?.planVersion ?? null,
    status: lastKnown?.status ?? 'unknown',
    overLimit: null,
    unblock: [],
    trace: [
      { step: 'verdict', detail: `${allowed ? 'allowed' : 'denied'}: ${why}`, data: { allowed, reason } },
    ],
  }
}

function reasonOf({
  feature,
  request,
  cause,
  lastKnown,
  before = ZERO,
}: DegradedInput): AllowedReason | DeniedReason {
  const denied = cause === 'rebuilding' ? 'rebuilding' : 'degraded_deny'
  switch (feature.onUnavailable) {
    case 'allow':
      return 'degraded_allow'
    case 'deny':
      return denied
    case 'last_known':
      return lastKnown !== null && hadRoom(lastKnown, request, before) ? 'degraded_allow' : denied
  }
}

/** By the reason: what has no limit is denied, too, where the subscription or a switch gives no right to it. */
function hadRoom(lastKnown: Verdict, { intent, quantity }: Request, before: Amount): boolean {
  const { reason, remaining } = lastKnown
  if (reason === 'unlimited' || reason === 'feature_on' || reason === 'over_limit_grace') return true
  if (remaining === null) return false
  if (reason !== 'within_limit' && reason !== 'limit_reached') return false
  return intent !== 'add' || before + quantity <= remaining
}
