import type { CheckDeps } from '#core/operations/check.ts'
import { NearChecks } from '#core/operations/near-checks.ts'
import type { HoldStore } from '#core/ports.ts'
import { isClusterUrl } from '#drivers/redis/address.ts'
import { type NearOptions, openNearCounters } from '#drivers/redis/near-link.ts'
import { type CircuitOf, guardCounters } from './circuits.ts'

/** What checks know without asking. */
export interface Near {
  /** What a check needs that takes figures as they come. */
  readonly checks: (check: CheckDeps) => CheckDeps
  /** This process changed a workspace: its own next check need not wait to be told. */
  readonly forget: (workspace: string) => void
  readonly forgetAll: () => void
  readonly close: () => Promise<void>
}

const nothing: Near = {
  checks: (check) => check,
  forget: () => undefined,
  forgetAll: () => undefined,
  close: async () => undefined,
}

/** Keeps readings near, unless told not to: `ageMaxMs` 0, or a Redis Cluster, whose nodes would each need a connection (ADR 0016). */
export function openNear({ circuitOf, ...options }: NearOptions & { readonly circuitOf: CircuitOf }): Near {
  if (options.ageMaxMs === 0 || isClusterUrl(options.url)) return nothing
  const { near, close } = openNearCounters(options)
  const counters = guardCounters(near, circuitOf)
  return {
    checks: (check) => ({ ...check, counters, near: new NearChecks() }),
    forget: (workspace) => near.forget(workspace),
    forgetAll: () => near.forgetAll(),
    close,
  }
}

/** Holds after which nothing that was read of their workspace before is used. */
export function forgetting(holds: HoldStore, forget: (workspace: string) => void): HoldStore {
  const after = async <Value>(workspace: string, work: Promise<Value>): Promise<Value> =>
    work.finally(() => forget(workspace))
  return {
    ...holds,
    hold: (wish, basis) => after(wish.workspace, holds.hold(wish, basis)),
    commit: (name, quantities) => after(name.workspace, holds.commit(name, quantities)),
    release: (name) => after(name.workspace, holds.release(name)),
  }
}
