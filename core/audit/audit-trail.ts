import type { Override } from '../entitlement/facts.ts'
import type { Instant } from '../instant.ts'
import { foldVersions } from '../subscription/fold.ts'
import type { RulesAt } from '../subscription/rules-in-force.ts'
import type { AcceptedSubscription, SubscriptionEvent } from '../subscription/subscription.ts'
import type { CorrectionRecord, OverrideRecord } from './audit-entry.ts'

/** What a change did. */
export type AuditChange =
  | { readonly of: 'override'; readonly before: Override | null; readonly after: Override | null }
  | {
      readonly of: 'usage'
      readonly before: Readonly<Record<string, number>> | null
      readonly after: Readonly<Record<string, number>>
    }
  | {
      readonly of: 'subscription'
      readonly before: AcceptedSubscription | null
      readonly after: AcceptedSubscription | null
    }

/** One change of a workspace: who, what, before and after. */
export interface AuditEntry {
  /** Names it among the changes of its workspace, whatever arrives before or after it. */
  readonly name: string
  readonly at: Instant
  readonly action: string
  readonly by: { readonly kind: string; readonly id: string; readonly label: string }
  /** Feature of an override, version of a subscription, id of an event that set usage. */
  readonly subject: string
  readonly reason: string | null
  readonly change: AuditChange
}

/** What is stored of a workspace's changes. */
export interface AuditedChanges {
  readonly overrides: readonly OverrideRecord[]
  readonly corrections: readonly CorrectionRecord[]
  readonly versions: readonly SubscriptionEvent[]
}

/**
 * Every change of a workspace, oldest first: its overrides, usage that was set by hand, and its subscription version
 * by version with what each left in force.
 */
export function auditTrail(
  { overrides, corrections, versions }: AuditedChanges,
  rulesAt: RulesAt,
): readonly AuditEntry[] {
  return [
    ...overrides.map((record, index) => ofOverride(record, `override-${index + 1}`)),
    ...corrections.flatMap((record, index) => ofCorrection(record, `usage-${index + 1}`)),
    ...ofVersions(versions, rulesAt),
  ].sort((a, b) => a.at - b.at)
}

/** A stretch of the trail, newest first, each change with its place, 1 for the oldest; `next` where older ones follow. */
export interface AuditPage {
  readonly entries: readonly (AuditEntry & { readonly number: number })[]
  readonly next: string | null
}

/**
 * Changes before the one that `after` names, the newest where it is null; null when it names none of the trail.
 *
 * A version of the subscription that comes late stands where it happened: it moves the places of others, and no page
 * leaves one out for that.
 */
export function auditPage(
  trail: readonly AuditEntry[],
  { after, size }: { readonly after: string | null; readonly size: number },
): AuditPage | null {
  const below = after === null ? trail.length : trail.findIndex(({ name }) => name === after)
  if (below === -1) return null
  const from = Math.max(below - size, 0)
  const entries = trail.slice(from, below).map((entry, index) => ({ ...entry, number: from + index + 1 }))
  return { entries: entries.toReversed(), next: from === 0 ? null : (entries[0]?.name ?? null) }
}

function ofOverride({ at, by, feature, reason, before, override }: OverrideRecord, name: string): AuditEntry {
  const action = override === null ? 'override_ended' : 'override_set'
  const change = { of: 'override', before, after: override } as const
  return { name, at, action, by, subject: feature, reason, change }
}

function ofCorrection(
  { at, by, action, file, events }: CorrectionRecord,
  name: string,
): readonly AuditEntry[] {
  return events.map(({ id, before, after }, index) => {
    const change = { of: 'usage', before, after } as const
    return { name: `${name}.${index + 1}`, at, action, by, subject: id, reason: file ?? null, change }
  })
}

function ofVersions(versions: readonly SubscriptionEvent[], rulesAt: RulesAt): readonly AuditEntry[] {
  const { changes } = foldVersions(versions, rulesAt)
  let before: AcceptedSubscription | null = null
  return versions
    .toSorted((a, b) => a.version - b.version)
    .map(({ version, occurredAt, type, actor, id }): AuditEntry => {
      const after = changes.get(version)?.state.subscription ?? before
      const change: AuditChange = { of: 'subscription', before, after }
      before = after
      const by = { kind: 'billing', id: actor, label: id }
      return {
        name: `version-${version}`,
        at: occurredAt,
        action: `subscription_${type}`,
        by,
        subject: String(version),
        reason: null,
        change,
      }
    })
}
