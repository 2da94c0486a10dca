import type { Actor, OverrideRecord } from '../audit/audit-entry.ts'
import type { Override } from '../entitlement/facts.ts'
import { TallygateError } from '../errors.ts'
import { type Instant, isDatable } from '../instant.ts'
import { isEqual } from '../is-equal.ts'
import type { CatalogueStore, FactStore } from '../ports.ts'
import { byNewestCatalogue } from './by-newest-catalogue.ts'
import { requireFeature } from './check.ts'

/** Keeps the changes of overrides, by insert only. */
export interface OverrideStore {
  /** Changes of a workspace, oldest first. */
  overrides(workspace: string): Promise<readonly OverrideRecord[]>
  /** Stores change `number`; false when another took that number. */
  appendOverride(workspace: string, number: number, record: OverrideRecord): Promise<boolean>
}

/** What changing an override needs. */
export interface OverrideDeps {
  readonly store: OverrideStore
  readonly catalogue: CatalogueStore
  readonly facts: FactStore
  readonly now: () => Instant
}

/** An override to be set, or with null ended. */
export interface OverrideWish {
  readonly workspace: string
  readonly feature: string
  readonly override: Override | null
  /** Why; of an override it is the override's own reason. */
  readonly reason: string
  readonly by: Actor
}

/**
 * Sets or ends an override; the record of the change is the change.
 *
 * Wishing for what is in force already changes nothing, so that a call may be repeated. While Redis is away the
 * change is in force all the same; caches find it within 60 s. Throws `unknown_feature`,
 * `invalid_request` for an end in the past or after the year 9999, `not_found` where there is none to end, `unavailable` and `unknown`.
 */
export async function changeOverride(deps: OverrideDeps, wish: OverrideWish): Promise<OverrideRecord> {
  const { workspace, feature, override } = wish
  await byNewestCatalogue(deps.catalogue, (catalogue) => requireFeature(catalogue, feature))
  const at = deps.now()
  requireUsableEnd(override?.until ?? null, at)
  const record = await store(deps, wish, at)
  await deps.facts.refresh(workspace, at).catch(() => undefined)
  return record
}

/** An end that is to come, and that answers can state. */
function requireUsableEnd(until: Instant | null, at: Instant): void {
  if (until === null || (until > at && isDatable(until))) return
  const where = until > at ? 'after the year 9999; give an earlier one' : 'in the past; give a later one'
  const message = `until lies ${where}, or leave it out for an override without an end`
  throw new TallygateError('invalid_request', message, { field: 'until' })
}

async function store(
  deps: OverrideDeps,
  { workspace, feature, override, reason, by }: OverrideWish,
  at: Instant,
): Promise<OverrideRecord> {
  for (;;) {
    const records = await readRecords(deps.store, workspace)
    const newest = records.findLast((record) => record.feature === feature)
    const before = newest?.override ?? null
    if (before === null && override === null)
      throw new TallygateError('not_found', `${workspace} has no override of ${feature} to end`)
    if (newest !== undefined && isEqual(before, override)) return newest
    const record: OverrideRecord = { action: 'override', feature, at, by, reason, before, override }
    if (await append(deps.store, { workspace, number: records.length + 1, record })) return record
  }
}

interface Numbered {
  readonly workspace: string
  readonly number: number
  readonly record: OverrideRecord
}

async function append(store: OverrideStore, { workspace, number, record }: Numbered): Promise<boolean> {
  return store.appendOverride(workspace, number, record).catch((error: unknown) => {
    const message = 'MongoDB did not say whether it has the change; make the same call again'
    throw new TallygateError('unknown', message, { workspace }, error)
  })
}

async function readRecords(store: OverrideStore, workspace: string): Promise<readonly OverrideRecord[]> {
  return store.overrides(workspace).catch((error: unknown) => {
    throw new TallygateError('unavailable', 'MongoDB did not answer; try again', { workspace }, error)
  })
}
