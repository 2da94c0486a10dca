import { reasonOfFault } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { agree } from '#core/is-equal.ts'
import { type FoldedVersions, foldVersions } from '#core/subscription/fold.ts'
import type { RulesAt } from '#core/subscription/rules-in-force.ts'
import type { Refusal, SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { FactsSource } from '#drivers/mongo/facts-source.ts'
import type { RulesHistory } from '#drivers/rules-history.ts'

/** What taking in a version came to: the fold of all versions, and what of this one was refused. */
export interface RecordedVersion {
  /** It was stored now, not before: nobody can have judged it. */
  readonly isNew: boolean
  readonly folded: FoldedVersions | null
  readonly refusals: readonly Refusal[]
  /** What later versions that came before this one are refused, now that it stands before them. */
  readonly overtaken: readonly Overtaken[]
  /** Windows that begin inside a day with this version, or with a later one that came before it. */
  readonly starts: readonly StartedWindow[]
}

interface StartedWindow {
  readonly version: number
  readonly startsAt: Instant
}

interface Overtaken {
  readonly eventId: string
  readonly refusal: Refusal
}

/**
 * Stores a version once and folds all of them anew.
 *
 * Safe to repeat and in any order: a stored version is found again, another content under its number is refused
 * whole as `version_conflict`, and two writers racing have one winner (ADR 0004). It is the same also where the schema got
 * a field, or lost one, since it was stored.
 */
export async function recordVersion(
  source: FactsSource,
  rules: Pick<RulesHistory, 'judging'>,
  event: SubscriptionEvent,
): Promise<RecordedVersion> {
  for (;;) {
    const stored = await source.versions(event.workspace)
    const same = stored.find(({ version }) => version === event.version)
    if (same !== undefined && !agree(same, event)) return refusedWhole(conflict(same, event))
    if (same === undefined && !(await source.appendVersion(event.workspace, stored.length + 1, event)))
      continue
    const versions = same === undefined ? [...stored, event] : stored
    const judging = await rules.judging(versions)
    try {
      return { isNew: same === undefined, ...fold(versions, { judging, event }) }
    } catch (error) {
      return refusedWhole({ code: 'undecodable', reason: reasonOfFault(error) })
    }
  }
}

function refusedWhole(refusal: Refusal): RecordedVersion {
  return { isNew: false, folded: null, refusals: [refusal], overtaken: [], starts: [] }
}

/**
 * `versions` in the order in which they came. Folding asks nobody: what it throws it would throw each time, while the
 * partition waited. The version stays stored.
 */
function fold(
  versions: readonly SubscriptionEvent[],
  { judging, event }: { readonly judging: RulesAt; readonly event: SubscriptionEvent },
): Omit<RecordedVersion, 'isNew'> {
  const folded = foldVersions(versions, judging)
  const place = versions.findIndex(({ version }) => version === event.version)
  const later = versions.slice(0, place).filter(({ version }) => version > event.version)
  const others = versions.toSpliced(place, 1)
  const before = later.length === 0 ? null : foldVersions(others, judging)
  return {
    folded,
    refusals: refusalsOf(folded, event),
    overtaken: later.flatMap((one) => newlyRefused(one, { before, folded, by: event })),
    starts: [event, ...later].flatMap((one) => startsOf(folded, one)),
  }
}

function startsOf({ changes }: FoldedVersions, { version }: SubscriptionEvent): readonly StartedWindow[] {
  const startsAt = changes.get(version)?.windowStart ?? null
  return startsAt === null ? [] : [{ version, startsAt }]
}

function refusalsOf(folded: FoldedVersions | null, { version }: SubscriptionEvent): readonly Refusal[] {
  return folded?.changes.get(version)?.refusals ?? []
}

interface Refolded {
  readonly before: FoldedVersions | null
  readonly folded: FoldedVersions
  readonly by: SubscriptionEvent
}

/** A version that was taken as it came and is not any more: nobody would be told otherwise. */
function newlyRefused(event: SubscriptionEvent, { before, folded, by }: Refolded): readonly Overtaken[] {
  const known = refusalsOf(before, event).map(({ code }) => code)
  const fresh = refusalsOf(folded, event).filter(({ code }) => !known.includes(code))
  return fresh.map(({ code, reason }) => ({
    eventId: event.id,
    refusal: { code, reason: `version ${event.version}, since version ${by.version} came late: ${reason}` },
  }))
}

function conflict(stored: SubscriptionEvent, event: SubscriptionEvent): Refusal {
  const reason = `version ${event.version} of ${event.workspace} is stored from event ${stored.id} with other content; send the change as a new version`
  return { code: 'version_conflict', reason }
}
