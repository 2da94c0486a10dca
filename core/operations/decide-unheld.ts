import type { Decision } from '../entitlement/decision.ts'
import { decideDegraded } from '../entitlement/degraded.ts'
import { TallygateError } from '../errors.ts'
import { type Instant, toIso } from '../instant.ts'
import { isTimely, type OpenItem } from '../usage/hold.ts'
import type { AdmitDeps, AdmitInput, Admitted } from './admit-units.ts'
import { requireFeature } from './check.ts'
import { type PlannedItem, requestOf } from './plan-items.ts'

interface UnheldInput extends Omit<AdmitInput, 'items'> {
  readonly items: readonly PlannedItem[]
  readonly cause: 'unavailable' | 'rebuilding'
}

/**
 * Answers for an operation of which nothing can be held now: allowed where every feature allows use that is not
 * known to fit, and then counted all the same.
 *
 * Throws `unavailable` where one of them does not, and for what happened too long ago to be held. A hold that was placed
 * without us knowing is settled by the event, or swept.
 */
export function decideUnheld(deps: AdmitDeps, input: UnheldInput): Admitted {
  const { workspace, operation, items, cause } = input
  requireTimely(input, deps.holds.now())
  const catalogue = deps.catalogue.remembered()
  const decisions = items.map((item): Decision => {
    const featureKey = item.feature
    const feature = requireFeature(catalogue, featureKey)
    if (feature.onUnavailable !== 'allow' && feature.mode !== 'shadow') {
      const why = cause === 'rebuilding' ? 'counters are being rebuilt' : 'Redis did not answer'
      const message = `${operation}: ${why}, and ${featureKey} is not allowed without a hold; retry with the same id`
      throw new TallygateError('unavailable', message, { workspace, cause })
    }
    const lastKnown = deps.lastKnown.get(workspace, featureKey, 'add')
    const request = requestOf(item)
    const verdict = decideDegraded({ workspace, featureKey, feature, request, cause, lastKnown })
    return { ...verdict, asOf: null, lagMs: null, exact: false, degraded: true }
  })
  const occurredAt = input.occurredAt ?? deps.holds.now()
  const open = items.flatMap(({ meter, quantity, subject }, item): OpenItem[] =>
    quantity === 0 ? [] : [{ item, meter, quantity, subject, occurredAt }],
  )
  return {
    allowed: true,
    replayed: false,
    decisions,
    granted: items.map(({ quantity }) => quantity),
    open,
    deadline: null,
    kept: async () => decisions,
  }
}

/** What an event of that time would be set aside for is not allowed without a hold, which would say so. */
function requireTimely({ workspace, operation, occurredAt, cause }: UnheldInput, now: Instant): void {
  if (occurredAt === null || isTimely(occurredAt, now)) return
  const message = `${operation}: ${toIso(occurredAt)} is not within the last day, and nothing can be held now; retry with the same id`
  throw new TallygateError('unavailable', message, { workspace, cause })
}
