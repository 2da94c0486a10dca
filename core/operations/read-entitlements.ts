import type { Accuracy } from '../entitlement/decision.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import { TallygateError } from '../errors.ts'
import { usageOf } from '../usage/feature-reading.ts'
import type { FeatureUsage } from '../usage/feature-usage.ts'
import { accuracyOf } from './check.ts'
import { allFeatures, type ReadDeps, readWorkspace } from './read-workspace.ts'

/** One feature of a workspace: the right to it, and what is used of it. */
export interface EntitlementUse {
  readonly entitlement: Entitlement
  readonly usage: FeatureUsage
}

/** Every feature of the catalogue as it stands for a workspace. */
export interface WorkspaceEntitlements {
  readonly uses: readonly EntitlementUse[]
  readonly accuracy: Accuracy
}

/**
 * Reads what a workspace is entitled to and how much of it is used.
 *
 * Throws `not_found` for a workspace that neither billing nor a product nor an operator has named, and `unavailable`
 * when counters or facts cannot be had.
 */
export async function readEntitlements(deps: ReadDeps, workspace: string): Promise<WorkspaceEntitlements> {
  const known = await readWorkspace(deps, { workspace, features: allFeatures })
  if (!known.known) {
    const why =
      known.cause === 'rebuilding'
        ? 'its counters are being rebuilt'
        : 'its facts or counters cannot be reached'
    throw new TallygateError('unavailable', `${workspace}: ${why}; try again`, {
      workspace,
      cause: known.cause,
    })
  }
  const { catalogue, entitlements, reading, facts } = known
  const uses = entitlements.map((entitlement) => ({
    entitlement,
    usage: usageOf({ entitlement, subject: null }, reading, catalogue),
  }))
  const isNamed = facts.subscription !== null || Object.keys(facts.overrides).length > 0
  if (!isNamed && !reading.isKnown)
    throw new TallygateError('not_found', `no workspace "${workspace}" is known to this key`)
  return { uses, accuracy: accuracyOf(reading) }
}
