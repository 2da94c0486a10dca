import type { Crossing, Override, WorkspaceFacts } from '../entitlement/facts.ts'
import type { Instant } from '../instant.ts'
import type { Judgement } from '../notices/judgement.ts'
import { foldVersions } from '../subscription/fold.ts'
import type { RulesAt } from '../subscription/rules-in-force.ts'
import type { SubscriptionEvent } from '../subscription/subscription.ts'

/** Everything stored of a workspace that an answer about the past may need. */
export interface StoredHistory {
  /** In any order. */
  readonly versions: readonly SubscriptionEvent[]
  /** What judges them. */
  readonly rulesAt: RulesAt
  /** In the order of storing. */
  readonly overrides: readonly {
    readonly feature: string
    readonly override: Override | null
    readonly at: Instant
  }[]
  /** The last judgement made by then and the first one after it; null where there is none. */
  readonly judged: { readonly before: Judgement | null; readonly after: Judgement | null }
}

/**
 * The facts of a workspace as they were in force at an instant, by what is known today.
 *
 * A version that arrived late counts from when it happened. A crossing that was judged only afterwards counts from
 * its `since`.
 */
export function factsAt(history: StoredHistory, at: Instant): WorkspaceFacts {
  const versions = history.versions.filter(({ occurredAt }) => occurredAt <= at)
  const overrides = new Map<string, Override>()
  for (const { feature, override, at: storedAt } of history.overrides) {
    if (storedAt > at) continue
    if (override === null) overrides.delete(feature)
    else overrides.set(feature, override)
  }
  return {
    revision: '',
    subscription: foldVersions(versions, history.rulesAt).state.subscription,
    overrides: Object.fromEntries(overrides),
    crossings: crossingsAt(history.judged, at),
  }
}

function crossingsAt({ before, after }: StoredHistory['judged'], at: Instant): Record<string, Crossing> {
  const begun = Object.entries(after?.crossings ?? {}).filter(([, { since }]) => since <= at)
  return { ...Object.fromEntries(begun), ...before?.crossings }
}
