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
    ...overrides.map(ofOverride),
    ...corrections.flatMap(ofCorrection),
    ...ofVersions(versions, rulesAt),
  ].sort((a, b) => a.at - b.at)
}

function ofOverride({ at, by, feature, reason, before, override }: OverrideRecord): AuditEntry {
  const action = override === null ? 'override_ended' : 'override_set'
  return { at, action, by, subject: feature, reason, change: { of: 'override', before, after: override } }
}

function ofCorrection({ at, by, action, file, events }: CorrectionRecord): readonly AuditEntry[] {
  return events.map(({ id, before, after }) => {
    return { at, action, by, subject: id, reason: file ?? null, change: { of: 'usage', before, after } }
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
        at: occurredAt,
        action: `subscription_${type}`,
        by,
        subject: String(version),
        reason: null,
        change,
      }
    })
}
