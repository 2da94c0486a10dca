import { isEqual } from '#core/is-equal.ts'
import { type FoldedVersions, foldVersions } from '#core/subscription/fold.ts'
import type { Refusal, SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { FactsSource } from '#drivers/mongo/facts-source.ts'
import type { RulesHistory } from '#drivers/rules-history.ts'

/** What taking in a version came to: the fold of all versions, and what of this one was refused. */
export interface RecordedVersion {
  readonly folded: FoldedVersions | null
  readonly refusals: readonly Refusal[]
}

/**
 * Stores a version once and folds all of them anew.
 *
 * Safe to repeat and in any order: a stored version is found again, another content under its number is refused
 * whole as `version_conflict`, and two writers racing have one winner (ADR 0004).
 */
export async function recordVersion(
  source: FactsSource,
  rules: Pick<RulesHistory, 'judging'>,
  event: SubscriptionEvent,
): Promise<RecordedVersion> {
  for (;;) {
    const stored = await source.versions(event.workspace)
    const same = stored.find(({ version }) => version === event.version)
    if (same !== undefined && !isEqual(same, event))
      return { folded: null, refusals: [conflict(same, event)] }
    if (same === undefined && !(await source.appendVersion(event.workspace, stored.length + 1, event)))
      continue
    const versions = same === undefined ? [...stored, event] : stored
    const folded = foldVersions(versions, await rules.judging(versions))
    return { folded, refusals: folded.changes.get(event.version)?.refusals ?? [] }
  }
}

function conflict(stored: SubscriptionEvent, event: SubscriptionEvent): Refusal {
  const reason = `version ${event.version} of ${event.workspace} is stored from event ${stored.id} with other content; send the change as a new version`
  return { code: 'version_conflict', reason }
}
