import type { Catalogue } from '../catalogue/catalogue.ts'
import { type Entitlement, holdsAt } from './entitlement.ts'
import type { WorkspaceFacts } from './facts.ts'
import { type ResolveInput, resolveEntitlement } from './resolve.ts'

/** Entitlements remembered at once, all workspaces together. */
const REMEMBERED_MAX = 50_000

interface Resolved {
  readonly catalogue: Catalogue
  readonly byFeature: Map<string, Entitlement>
}

let resolved = new WeakMap<WorkspaceFacts, Resolved>()
let remembered = 0

/**
 * What `resolveEntitlement` gives, remembered as long as facts, catalogue and time leave it as it is.
 *
 * Facts and catalogue are never changed in place, so the same objects mean the same entitlement.
 */
export function rememberedEntitlement(input: ResolveInput): Entitlement {
  const { facts, catalogue, featureKey, workspace, now } = input
  const known = resolved.get(facts)
  const isCurrent = known !== undefined && known.catalogue === catalogue
  const found = isCurrent ? known.byFeature.get(featureKey) : undefined
  if (found !== undefined && found.workspace === workspace && holdsAt(found, now)) return found
  const entitlement = resolveEntitlement(input)
  const byFeature = isCurrent ? known.byFeature : new Map<string, Entitlement>()
  if (!isCurrent) remember(facts, { catalogue, byFeature })
  if (found === undefined) remembered += 1
  byFeature.set(featureKey, entitlement)
  return entitlement
}

function remember(facts: WorkspaceFacts, entry: Resolved): void {
  if (remembered >= REMEMBERED_MAX) {
    resolved = new WeakMap()
    remembered = 0
  }
  resolved.set(facts, entry)
}
