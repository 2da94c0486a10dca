import type { Decision, Request } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { HoldStore } from '../ports.ts'
import { type CheckDeps, checkOne } from './check.ts'
import { lookAgain, type Pause } from './look-again.ts'

/** What waiting for counters needs. */
export interface FreshDeps extends CheckDeps {
  readonly holds: Pick<HoldStore, 'counted'>
  readonly pause: Pause
}

/** One request that wants figures no older than it says. */
export interface FreshInput {
  readonly workspace: string
  readonly request: Request
  /** Everything appended longer than this before the request must be counted, ms; null = whatever is counted. */
  readonly minFreshnessMs: number | null
  /** An event of ours that must be counted; null for none. */
  readonly after: string | null
}

/**
 * Decides one request with figures as fresh as it asks for, waiting for them up to two seconds.
 *
 * Throws what `checkItems` does, and `unavailable` when they do not come in time: an older answer would be taken
 * for a fresh one. Decisions that are made without figures are never fresh.
 */
export async function checkFresh(deps: FreshDeps, input: FreshInput): Promise<Decision> {
  const { workspace, request, minFreshnessMs, after } = input
  if (after !== null) await untilCounted(deps, { workspace, after })
  let wanted: Instant | null = null
  const found = await lookAgain(deps.pause, async () => {
    const decision = await checkOne(deps, { workspace, request })
    const { asOf, lagMs } = decision
    if (minFreshnessMs === null) return decision
    if (asOf === null || lagMs === null) return 'without figures'
    wanted ??= asOf + lagMs - minFreshnessMs
    return asOf >= wanted ? decision : null
  })
  if (found !== null && found !== 'without figures') return found
  const message = `${workspace}: no figures of the last ${minFreshnessMs ?? 0} ms came in time; try again, or take older ones`
  throw new TallygateError('unavailable', message, { workspace })
}

async function untilCounted(
  { holds, pause }: FreshDeps,
  { workspace, after }: { readonly workspace: string; readonly after: string },
): Promise<void> {
  const isCounted = await lookAgain(pause, async () => {
    const found = await holds.counted(workspace, [after])
    return found?.counted[0] === true ? true : null
  })
  if (isCounted === null)
    throw new TallygateError('unavailable', `${after} of ${workspace} was not counted in time; try again`, {
      workspace,
    })
}
