import type { Decision, Request } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { HoldStore } from '../ports.ts'
import { type CheckDeps, checkOne } from './check.ts'

/** What waiting for counters needs. */
export interface FreshDeps extends CheckDeps {
  readonly holds: Pick<HoldStore, 'counted'>
  readonly pause: (forMs: number) => Promise<unknown>
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

/** How long a check waits, in looks and the time between them, ms: partitions are marked twice a second. */
const LOOKS = 80
const PAUSE_MS = 25

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
  for (let look = 0; look < LOOKS; look += 1) {
    const decision = await checkOne(deps, { workspace, request })
    const { asOf, lagMs } = decision
    if (minFreshnessMs === null) return decision
    if (asOf === null || lagMs === null) break
    wanted ??= asOf + lagMs - minFreshnessMs
    if (asOf >= wanted) return decision
    await deps.pause(PAUSE_MS)
  }
  const message = `${workspace}: no figures of the last ${minFreshnessMs ?? 0} ms came in time; try again, or take older ones`
  throw new TallygateError('unavailable', message, { workspace })
}

async function untilCounted(
  { holds, pause }: FreshDeps,
  { workspace, after }: { readonly workspace: string; readonly after: string },
): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    const counted = await holds.counted(workspace, [after])
    if (counted?.[0] === true) return
    await pause(PAUSE_MS)
  }
  throw new TallygateError('unavailable', `${after} of ${workspace} was not counted in time; try again`, {
    workspace,
  })
}
